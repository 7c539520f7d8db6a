import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  RuntimeError,
  RuntimeUnreachableError,
  Softprobe,
  SoftprobeSession,
} from '../../src/client/index.ts';
import { SoftprobeError } from '../../src/index.ts';
import { startRuntime } from '../runtime/support/runtime-server.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A server that is no runtime. */
async function serve(context: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Sets environment variables until the test ends. */
function setEnvironment(context: TestContext, variables: Record<string, string>) {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    context.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}

describe('where the runtime is', () => {
  test('is said by baseUrl, with or without slashes at the end', async (context) => {
    const { url } = await startRuntime(context);
    for (const baseUrl of [url, `${url}/`, `${url}//`]) {
      const softprobe = new Softprobe({ baseUrl });
      assert.equal(softprobe.baseUrl, url);
      const session = await softprobe.startSession({ mode: 'replay' });
      assert.match(session.id, /^sess_/);
      await session.close();
    }
  });

  test('may be below a path', async (context) => {
    const url = await serve(context, (request, response) =>
      response.end(JSON.stringify({ sessionId: request.url })),
    );
    const session = await new Softprobe({ baseUrl: `${url}/softprobe/` }).startSession({ mode: 'replay' });
    assert.equal(session.id, '/softprobe/v1/sessions');
  });

  test('is else said by the environment, else it is this machine', (context) => {
    setEnvironment(context, { SOFTPROBE_RUNTIME_URL: '' });
    assert.equal(new Softprobe().baseUrl, 'http://127.0.0.1:8080');
    setEnvironment(context, { SOFTPROBE_RUNTIME_URL: 'http://runtime.test:9000/' });
    assert.equal(new Softprobe().baseUrl, 'http://runtime.test:9000');
    setEnvironment(context, { SOFTPROBE_RUNTIME_URL: 'runtime.test:9000' });
    assert.throws(() => new Softprobe(), {
      name: 'TypeError',
      message: /SOFTPROBE_RUNTIME_URL: expected a URL/,
    });
  });

  for (const baseUrl of ['', 'localhost:8080', 'ftp://a', 'http://a/?b', 'http://a/#b', 'http://user:pw@a']) {
    test(`cannot be ${JSON.stringify(baseUrl)}`, () => {
      assert.throws(() => new Softprobe({ baseUrl }), {
        name: 'TypeError',
        message: /^baseUrl: expected a URL such as/,
      });
    });
  }
});

test('`new` may be left out', () => {
  const softprobe = Softprobe({ baseUrl: 'http://127.0.0.1:1' });
  assert.ok(softprobe instanceof Softprobe);
  assert.ok(softprobe.attach('sess_1') instanceof SoftprobeSession);
  assert.throws(() => softprobe.attach(''), TypeError);
});

describe('the token', () => {
  test('is sent from the option, else from the environment', async (context) => {
    const { url } = await startRuntime(context, { apiToken: 'right' });
    await (await new Softprobe({ baseUrl: url, apiToken: 'right' }).startSession({ mode: 'replay' })).close();
    setEnvironment(context, { SOFTPROBE_API_TOKEN: 'right' });
    await (await new Softprobe({ baseUrl: url }).startSession({ mode: 'replay' })).close();
  });

  test('that is missing or wrong is told with what to do', async (context) => {
    setEnvironment(context, { SOFTPROBE_API_TOKEN: '' });
    const { url } = await startRuntime(context, { apiToken: 'right' });
    for (const [options, status] of [
      [{}, 401],
      [{ apiToken: 'wrong' }, 403],
    ] as const) {
      await assert.rejects(
        new Softprobe({ baseUrl: url, ...options }).startSession({ mode: 'replay' }),
        (error) => {
          assert.ok(error instanceof RuntimeError);
          assert.deepEqual([error.status, error.url], [status, `${url}/v1/sessions`]);
          assert.match(error.message, /apiToken, or the environment variable SOFTPROBE_API_TOKEN/);
          return true;
        },
      );
    }
  });
});

describe('failures', () => {
  const start = (baseUrl: string, timeoutMs = 5000) =>
    new Softprobe({ baseUrl, timeoutMs }).startSession({ mode: 'replay' });

  test('nobody listens', async () => {
    await assert.rejects(start('http://127.0.0.1:1'), (error) => {
      assert.ok(error instanceof RuntimeUnreachableError && error instanceof SoftprobeError);
      assert.equal(error.url, 'http://127.0.0.1:1/v1/sessions');
      assert.match(
        error.message,
        /^no runtime answers at http:\/\/127\.0\.0\.1:1 \(POST \/v1\/sessions: connect ECONNREFUSED .*npx softprobe-proxy start.*SOFTPROBE_RUNTIME_URL/,
      );
      assert.equal((error.cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
      return true;
    });
  });

  test('the connection breaks, before or in the answer', async (context) => {
    const cut = await serve(context, (request) => request.socket.destroy());
    await assert.rejects(start(cut), RuntimeUnreachableError);
    const half = await serve(context, (request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"sess', () => request.socket.destroy());
    });
    await assert.rejects(start(half), RuntimeUnreachableError);
  });

  test('no answer in time', async (context) => {
    const url = await serve(context, () => {});
    await assert.rejects(start(url, 50), (error) => {
      assert.ok(error instanceof RuntimeUnreachableError);
      assert.match(error.message, /did not answer POST \/v1\/sessions within 50 ms.*timeoutMs/);
      return true;
    });
  });

  test('somebody else answers', async (context) => {
    const url = await serve(context, (_, response) => response.writeHead(200).end('<html>'));
    await assert.rejects(start(url), (error) => {
      assert.ok(error instanceof RuntimeError);
      assert.deepEqual([error.status, error.body, error.code], [200, '<html>', undefined]);
      assert.match(error.message, /answered 200 with "<html>".*control listener/);
      return true;
    });
  });

  test('mistakes in a document are listed', async (context) => {
    const { url } = await startRuntime(context);
    const request = { mode: 'reply', polcy: {} } as unknown as { mode: 'replay' };
    await assert.rejects(new Softprobe({ baseUrl: url }).startSession(request), (error) => {
      assert.ok(error instanceof RuntimeError);
      assert.match(error.message, /unknown key "polcy" \(did you mean "policy"\?\)/);
      assert.match(error.message, /\/mode expected one of .* \(did you mean "replay"\?\)/);
      return true;
    });
  });
});

describe('how calls are sent', () => {
  test('by the fetch that is given', async (context) => {
    const { url } = await startRuntime(context);
    const seen: string[] = [];
    const softprobe = new Softprobe({
      baseUrl: url,
      fetch: (input, init) => {
        seen.push(`${init.method} ${input}`);
        return fetch(input, init);
      },
    });
    const session = await softprobe.startSession({ mode: 'replay' });
    await session.mockOutbound({ response: {} });
    await session.close();
    assert.deepEqual(seen, [
      `POST ${url}/v1/sessions`,
      `POST ${url}/v1/sessions/${session.id}/rules`,
      `POST ${url}/v1/sessions/${session.id}/close`,
    ]);
    const failing = new Softprobe({
      baseUrl: url,
      fetch: () => Promise.reject(new TypeError('fetch failed')),
    });
    await assert.rejects(failing.startSession({ mode: 'replay' }), RuntimeUnreachableError);
  });

  test('not for a session without a mode', async (context) => {
    const { url } = await startRuntime(context);
    // As a test in plain JavaScript calls it.
    const startSession: (request?: unknown) => Promise<unknown> = (request) =>
      Reflect.apply(Softprobe.prototype.startSession, new Softprobe({ baseUrl: url }), [request]);
    await assert.rejects(startSession(), {
      name: 'TypeError',
      message:
        "startSession: expected the mode of the session, as in startSession({ mode: 'capture' }) or { mode: 'replay' }, got nothing",
    });
    await assert.rejects(startSession({ caseId: 'x' }), /expected the mode .* got \{"caseId":"x"\}$/);
    await assert.rejects(startSession('replay'), /expected the mode .* got "replay"$/);
  });

  test('past a proxy of the environment', async (context) => {
    const { url } = await startRuntime(context);
    const script = `
      import { Softprobe } from ${JSON.stringify(new URL('../../src/client/index.ts', import.meta.url).href)};
      const softprobe = new Softprobe({ baseUrl: ${JSON.stringify(url)} });
      await using session = await softprobe.startSession({ mode: 'replay' });
      console.log(session.id.slice(0, 5));
    `;
    const nowhere = 'http://127.0.0.1:1';
    const env = {
      ...process.env,
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: nowhere,
      HTTPS_PROXY: nowhere,
      http_proxy: nowhere,
      NO_PROXY: '',
      no_proxy: '',
    };
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { env });
    assert.equal(stdout, 'sess_\n');
  });
});

describe('what is loaded', () => {
  /** Files that an import brings along, relative to the project; packages by their name. */
  async function loadedBy(statement: string, type: 'module' | 'commonjs' = 'module'): Promise<string[]> {
    const script = `
      ${type === 'module' ? "import { registerHooks } from 'node:module';" : "const { registerHooks } = require('node:module');"}
      const urls = [];
      registerHooks({ load(url, context, next) { urls.push(url); return next(url, context); } });
      (async () => { ${statement}; console.log(JSON.stringify(urls)); })();
    `;
    const { stdout } = await run(process.execPath, [`--input-type=${type}`, '--eval', script], { cwd: root });
    const rootUrl = new URL('../..', import.meta.url).href;
    const names = (JSON.parse(stdout) as string[]).map((url) => url.replace(rootUrl, ''));
    return [...new Set(names.map((name) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? name))];
  }
  const SERVER_PARTS =
    /^src\/(runtime|proxy\/(?!listen-error)|cli\/|authority\/(?!authority-error))|^(undici|pino|yargs|http-proxy-3|prom-client|@peculiar)/;

  test('with the client: nothing of the proxy', async () => {
    const loaded = await loadedBy("await import('./src/index.ts')");
    assert.deepEqual(
      loaded.filter((name) => SERVER_PARTS.test(name)),
      [],
    );
    assert.ok(loaded.includes('src/client/session.ts'));
    assert.ok(!loaded.includes('node:https'));
  });

  test('with the first proxy that is started: all of it', async () => {
    const loaded = await loadedBy(
      "const { startProxy } = await import('./src/index.ts'); await startProxy({ appUrl: 'no URL' }).catch(() => {})",
    );
    assert.ok(loaded.includes('src/proxy/start.ts') && loaded.includes('undici'));
  });

  test('by CommonJS too', async () => {
    const loaded = await loadedBy(
      "const { Softprobe } = await import('./src/index.ts'); new Softprobe()",
      'commonjs',
    );
    assert.ok(loaded.includes('src/client/softprobe.ts'));
  });
});
