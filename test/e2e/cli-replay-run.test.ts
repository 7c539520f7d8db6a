import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { closeConnections } from '../../examples/shop/demo/http.ts';
import { freePort } from '../../examples/shop/demo/port.ts';
import { goShopping } from '../../examples/shop/demo/shopper.ts';
import { BuiltProgram } from '../cli/built-program.ts';
import { App } from './support/app.ts';
import { checkJson, cli, type JsonResult } from './support/cli.ts';
import { read, Session } from './support/control-client.ts';
import { Program } from './support/program.ts';

interface ReplayedCase {
  readonly passed: boolean;
  readonly requests: readonly {
    readonly index: number;
    readonly method: string;
    readonly path: string;
    readonly passed: boolean;
    readonly expectedStatus: number | null;
    readonly actualStatus: number | null;
    readonly differences: readonly Record<string, unknown>[];
    readonly missedCalls: readonly { readonly method: string; readonly url: string }[];
  }[];
  readonly skipped: readonly { readonly request: string }[];
  readonly warnings: readonly string[];
  readonly misses: number;
}

const casesIn = (json: JsonResult) => json.cases as readonly ReplayedCase[];
const requestsIn = (json: JsonResult) => casesIn(json).flatMap(({ requests }) => requests);
const pointersIn = (json: JsonResult) =>
  requestsIn(json).flatMap(({ differences }) => differences.map(({ pointer }) => pointer));

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-replay-run-'));
});
after(() => rm(folder, { recursive: true, force: true }));

describe('softprobe-proxy replay run: the shop, whose dependencies are gone', () => {
  const shopFile = (name: string) => fileURLToPath(new URL(`../../examples/shop/${name}`, import.meta.url));
  let program: Program;
  let environment: Record<string, string> = {};
  let line: string[] = [];
  let caseFile = '';
  const startShop = (file = shopFile('shop.ts'), env = {}) =>
    App.start(file, { ...environment, ...env }, ['--import', shopFile('instrumentation.ts')]);

  before(async () => {
    const port = await freePort();
    program = await Program.start(`http://127.0.0.1:${port}`, ['--service-name', 'shop']);
    await using inventory = await App.start(shopFile('inventory.ts'), {});
    await using payments = await App.start(shopFile('payments.ts'), { PAYMENTS_KEY: 'sk_1' });
    environment = {
      PORT: String(port),
      INVENTORY_URL: inventory.url,
      PAYMENTS_URL: payments.url,
      PAYMENTS_KEY: 'sk_1',
      HTTP_PROXY: program.egress,
      NO_PROXY: '',
      NODE_USE_ENV_PROXY: '1',
    };
    await using _shop = await startShop();
    const session = await Session.open(program.control, { mode: 'capture', caseId: 'shopping' });
    await goShopping(program.ingress, session.id);
    closeConnections();
    const { capturePath } = await session.close();
    caseFile = join(folder, 'shop.case.json');
    await copyFile(String(capturePath), caseFile);
    const proxy = ['--runtime-url', program.control];
    line = ['replay', 'run', '--case', caseFile, ...proxy];
  });
  after(() => program[Symbol.asyncDispose]());

  /** The shop with a mistake in it: a copy of its program in which one text is another. */
  async function changedShop(from: string, to: string): Promise<string> {
    const copy = await mkdtemp(join(folder, 'shop-'));
    for (const name of ['dependency.ts', 'json-server.ts']) await copyFile(shopFile(name), join(copy, name));
    const source = await readFile(shopFile('shop.ts'), 'utf8');
    assert(source.includes(from), `the shop has no ${from}`);
    await writeFile(join(copy, 'shop.ts'), source.replace(from, to));
    return join(copy, 'shop.ts');
  }

  it('passes, with the basket in the cookies that the shop sets', async () => {
    await using _shop = await startShop();
    const { code, stdout, stderr } = await cli(line);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^shopping \(.*shop\.case\.json\)\n {2}✓ #1 GET \/catalogue\?currency=USD {2}200 /);
    assert.match(stdout, /\n {2}✓ #\d+ POST \/orders {2}201 /);
    assert.match(stdout, /\n8 requests: 8 passed, 0 failed \(\d+ ms\)\n$/);
    assert.equal(stderr, '');
  });

  it('tells the same with --json', async () => {
    await using _shop = await startShop();
    const { json } = await cli([...line, '--json']);
    assert.deepEqual([json.passed, json.failed, json.misses], [8, 0, 0]);
    assert.deepEqual(
      casesIn(json).map(({ passed, warnings }) => [passed, warnings]),
      [[true, []]],
    );
    assert.deepEqual((await read(`${program.control}/v1/sessions`)).sessions, []);
  });

  it('ends with 20 and the differences when the shop is changed', async () => {
    const file = await changedShop('(cents * rate) / 100', '(cents * rate) / 99');
    await using _shop = await startShop(file);
    const { json } = await cli([...line, '--json']);
    assert.deepEqual([json.exitCode, json.status, json.error?.code], [20, 'drift', 'drift']);
    assert.deepEqual([json.passed, json.failed], [5, 3]);
    const [catalogue] = requestsIn(json);
    assert.deepEqual(
      catalogue?.differences.map(({ pointer }) => pointer),
      ['/body/products/0/price', '/body/products/1/price', '/body/products/2/price'],
    );
    const { code, stdout } = await cli(line);
    assert.equal(code, 20);
    assert.match(stdout, /\n {2}✗ #\d+ GET \/products\/mug {2}200 /);
    assert.match(stdout, /\n {6}\/body\/price: "[\d.]+ EUR" -> "[\d.]+ EUR"\n/);
    assert.match(stdout, /\n8 requests: 5 passed, 3 failed/);
    const ignored = await cli([...line, '--ignore', '$..price']);
    assert.equal(ignored.code, 0, ignored.stdout);
  });

  it('names calls that the recording has no answer for', async () => {
    const file = await changedShop('rateTo(currency),', "rateTo(currency.replace('USD', 'YEN')),");
    await using _shop = await startShop(file);
    const { json } = await cli([...line, '--json']);
    assert.equal(json.exitCode, 20);
    const [{ actualStatus, missedCalls } = { actualStatus: 0, missedCalls: [] }] = requestsIn(json);
    assert.equal(actualStatus, 502);
    assert.match(missedCalls[0]?.url ?? '', /\/rate\?from=EUR&to=YEN$/);
    const { stdout } = await cli(line);
    assert.match(stdout, /refused, since the recording has no answer for it:/);
    assert.match(stdout, /to=YEN/);
  });

  it('starts a proxy of its own before a service that has its egress as HTTP_PROXY', async () => {
    const egressPort = await freePort();
    await using shop = await startShop(shopFile('shop.ts'), { HTTP_PROXY: `http://127.0.0.1:${egressPort}` });
    const own = ['--app-url', shop.url, '--egress-port', String(egressPort), '--ca-dir', join(folder, 'ca')];
    const { json, stderr } = await cli(['replay', 'run', '--case', caseFile, ...own, '--json']);
    assert.deepEqual([json.exitCode, json.passed], [0, 8], stderr);
    assert.match(stderr, /a proxy stands before http:\/\/127\.0\.0\.1:\d+, which has to call out through/);
  });

  it('warns where the service does not call out through the proxy', async () => {
    await using _shop = await startShop(shopFile('shop.ts'), { HTTP_PROXY: '' });
    const { json } = await cli([...line, '--json']);
    assert.equal(json.exitCode, 20);
    assert.match(
      casesIn(json)[0]?.warnings.join('\n') ?? '',
      /none came through the proxy: was the service started/,
    );
  });

  it('says so and ends with 3 when the service does not run', async () => {
    const { json } = await cli([...line, '--json']);
    assert.deepEqual([json.exitCode, json.error?.code], [3, 'app_unreachable']);
    const host = `127.0.0.1:${environment.PORT}`;
    assert.equal(
      json.error?.message,
      `the service does not run: nothing accepts connections at ${host}; start it, or start the proxy with the --app-url at which the service listens`,
    );
    assert.deepEqual((await read(`${program.control}/v1/sessions`)).sessions, []);
    const appUrl = `http://${host}`;
    const own = ['--app-url', appUrl, '--egress-port', '0', '--no-intercept'];
    const alone = await cli(['replay', 'run', '--case', caseFile, ...own, '--json']);
    assert.equal(
      alone.json.error?.message,
      `the service does not run: nothing accepts connections at ${appUrl}; start it, or give its URL by --app-url`,
    );
  });
});

describe('softprobe-proxy replay run', () => {
  type Handler = (request: IncomingMessage, response: ServerResponse) => void;
  const hello: Handler = (_, response) => {
    response.setHeader('content-type', 'application/json');
    response.setHeader('x-build', '1');
    response.end(JSON.stringify({ greeting: 'hello', list: [1, 2] }));
  };
  let answer: Handler = hello;
  const app = createServer((request, response) => answer(request, response));
  let program: Program;
  before(async () => {
    app.listen(0, '127.0.0.1');
    await once(app, 'listening');
    program = await Program.start(`http://127.0.0.1:${(app.address() as AddressInfo).port}`);
  });
  beforeEach(() => {
    answer = hello;
  });
  after(async () => {
    await program[Symbol.asyncDispose]();
    app.close();
    app.closeAllConnections();
  });

  const proxy = () => ['--runtime-url', program.control];

  /** Records requests to the app, and gives the command line that replays them. */
  async function recorded(
    name: string,
    ...requests: [path: string, init?: RequestInit][]
  ): Promise<string[]> {
    const session = await Session.open(program.control, { mode: 'capture', caseId: name });
    for (const [path, init] of requests) {
      const headers = new Headers(init?.headers);
      headers.set('x-softprobe-session-id', session.id);
      await (await fetch(program.ingress + path, { redirect: 'manual', ...init, headers })).arrayBuffer();
    }
    const file = join(folder, `${name}.case.json`);
    await writeFile(file, JSON.stringify(await session.closeToCase()));
    return ['replay', 'run', '--case', file, ...proxy()];
  }

  it('sends what was recorded: method, target, host, headers, body and its coding', async () => {
    const seen: unknown[] = [];
    answer = async (request, response) => {
      const { method, url, headers } = request;
      const { accept, 'content-type': type, 'content-encoding': coding, 'x-mine': mine, host } = headers;
      const body = (await text(request.setEncoding('latin1'))) ?? '';
      seen.push({
        method,
        url,
        accept,
        type,
        coding,
        mine,
        host,
        body: Buffer.from(body, 'latin1').toString('base64'),
      });
      hello(request, response);
    };
    const { gzipSync } = await import('node:zlib');
    const line = await recorded(
      'sent',
      ['/a%20b?c=%C3%A9&d'],
      ['/put', { method: 'PUT', headers: { 'x-mine': 'é', 'content-type': 'text/plain' }, body: 'grüß' }],
      ['/gzip', { method: 'POST', headers: { 'content-encoding': 'gzip' }, body: gzipSync('{"a":1}') }],
      [
        '/bytes',
        { method: 'PATCH', headers: { 'content-type': 'image/x' }, body: Buffer.from([0, 255, 10]) },
      ],
    );
    const first = seen.splice(0);
    assert.equal((await cli(line)).code, 0);
    assert.deepEqual(seen, first);
    assert.equal(seen.length, 4);
  });

  it('ends with 20 for a status, a header or a body that differs', async () => {
    const line = await recorded('changed', ['/status'], ['/header'], ['/body'], ['/same']);
    answer = (request, response) => {
      if (request.url === '/status') response.statusCode = 203;
      if (request.url !== '/body') {
        hello(request, response);
        return;
      }
      response.setHeader('x-build', '2').setHeader('content-type', 'application/json');
      response.end('{"greeting":"goodbye","list":[1,2,3]}');
    };
    const { json } = await cli([...line, '--json']);
    assert.deepEqual([json.exitCode, json.passed, json.failed], [20, 2, 2]);
    assert.deepEqual(
      requestsIn(json).map(({ index, path, passed, differences }) => [index, path, passed, differences]),
      [
        [1, '/status', false, [{ pointer: '/status', expected: 200, actual: 203 }]],
        [2, '/header', true, []],
        [
          3,
          '/body',
          false,
          [
            { pointer: '/headers/x-build', expected: '1', actual: '2' },
            { pointer: '/body/greeting', expected: 'hello', actual: 'goodbye' },
            { pointer: '/body/list/2', actual: 3 },
          ],
        ],
        [4, '/same', true, []],
      ],
    );
    const { stdout } = await cli(line);
    assert.match(stdout, /\n {2}✗ #1 GET \/status {2}200 -> 203 /);
    assert.match(stdout, /\n {6}\/body\/list\/2: \(none\) -> 3\n/);
    assert.equal(stdout.includes('\u001b'), false);
    const coloured = await cli(line, { env: { FORCE_COLOR: '1' } });
    assert(coloured.stdout.includes('\u001b[31m'), coloured.stdout);
  });

  it('leaves out what --ignore and --ignore-header name, and says how', async () => {
    const line = await recorded('noisy', ['/']);
    answer = (_, response) => {
      response.setHeader('content-type', 'application/json').setHeader('x-build', crypto.randomUUID());
      response.end(JSON.stringify({ greeting: 'hello', list: [1, 2], at: new Date() }));
    };
    const noisy = await recorded('noisy', ['/']);
    const { code, stdout } = await cli(noisy);
    assert.equal(code, 20);
    assert.match(stdout, /\/body\/at: .*it looks like a time; --ignore '\$\.at' leaves it out/);
    assert.match(stdout, /\/headers\/x-build: .*it looks like a uuid; --ignore-header x-build leaves it out/);
    const ignored = await cli([
      ...line,
      '--ignore',
      '$.at',
      '$.nothing',
      '--ignore-header',
      'X-Build',
      '--json',
    ]);
    assert.deepEqual([ignored.json.exitCode, pointersIn(ignored.json)], [0, []]);
    const half = await cli([...line, '--ignore', '$.at', '--json']);
    assert.deepEqual(pointersIn(half.json), ['/headers/x-build']);
  });

  it('leaves out hidden headers and says so, unless --header or --fixtures give them', async () => {
    answer = (request, response) => {
      const { authorization = 'nobody', cookie = 'none', 'x-extra': extra = '' } = request.headers;
      const known = authorization === 'Bearer right' && cookie === 'sid=right; theme=dark';
      response.statusCode = known ? 200 : 401;
      response.setHeader('x-extra', extra).end(known ? 'welcome' : 'who are you?');
    };
    const headers = { authorization: 'Bearer right', cookie: 'sid=right; theme=dark' };
    const line = await recorded('hidden', ['/account', { headers }], ['/account', { headers }]);
    assert.equal((await readFile(join(folder, 'hidden.case.json'), 'utf8')).includes('right'), false);

    const { json } = await cli([...line, '--json']);
    assert.equal(json.exitCode, 20);
    assert.deepEqual(casesIn(json)[0]?.warnings, [
      'authorization is hidden in the recording and was left out of 2 requests; give it by --fixtures or --header',
      'cookie sid is hidden in the recording and was left out of 2 requests; give it by --fixtures or --header',
      'cookie theme is hidden in the recording and was left out of 2 requests; give it by --fixtures or --header',
    ]);

    const given = ['--header', 'Authorization: Bearer right', '--header', 'cookie: sid=right; theme=dark'];
    const byHeader = await cli([...line, ...given]);
    assert.equal(byHeader.code, 0, byHeader.stdout);

    const file = join(folder, 'auth.yaml');
    await writeFile(file, 'tokens: { admin: right }\ncookies: { sid: right, theme: dark }\n');
    const byFixtures = await cli([...line, '--fixtures', file]);
    assert.equal(byFixtures.code, 0, byFixtures.stdout);

    const extra = await cli([...line, '--fixtures', file, '--header', 'x-extra: more', '--json']);
    assert.deepEqual(pointersIn(extra.json), ['/headers/x-extra', '/headers/x-extra']);
  });

  it('sends the token that a login hands out, where the recording hides both', async () => {
    let token = 'old';
    answer = (request, response) => {
      response.setHeader('content-type', 'application/json');
      if (request.url === '/login') response.setHeader('x-auth-token', token).end('{}');
      else response.writeHead(request.headers.authorization === `Bearer ${token}` ? 200 : 401).end('{}');
    };
    const line = await recorded('login', ['/login'], ['/me', { headers: { authorization: 'Bearer old' } }]);
    token = 'new';
    const { code, stdout } = await cli(line);
    assert.equal(code, 0, stdout);
  });

  it('ends with 6 when only calls were refused', async () => {
    answer = (request, response) => {
      const session = request.headers.tracestate;
      const headers = { traceparent: String(request.headers.traceparent), tracestate: String(session) };
      const call = fetch(`${program.egress}/tracked`, { headers: { ...headers } });
      call
        .then((answered) => answered.arrayBuffer())
        .then(
          () => hello(request, response),
          () => hello(request, response),
        );
    };
    const quiet = answer;
    answer = hello;
    const line = await recorded('called', ['/']);
    answer = quiet;
    const { json } = await cli([...line, '--json']);
    assert.deepEqual([json.exitCode, json.status, json.error?.code], [6, 'fail', 'strict_misses']);
    assert.deepEqual([json.passed, json.failed, json.misses], [1, 0, 1]);
    assert.equal(requestsIn(json)[0]?.missedCalls.length, 1);
    assert.equal(casesIn(json)[0]?.passed, false);
  });

  it('tells an answer that takes too long or breaks off', async () => {
    const line = await recorded('late', ['/late'], ['/broken']);
    answer = (request, response) => {
      if (request.url === '/late') return;
      response.writeHead(200, { 'content-length': 100 }).write('half');
      response.destroy();
    };
    const { json } = await cli([...line, '--timeout', '300ms', '--json']);
    assert.equal(json.exitCode, 20);
    const [late, broken] = requestsIn(json);
    assert.deepEqual(
      [late?.actualStatus, late?.differences[0]],
      [null, { pointer: '/failure', actual: 'timeout' }],
    );
    assert.equal(broken?.passed, false);
  });

  it('replays several cases, and counts what it does not send', async () => {
    const first = await recorded('first', ['/1'], ['/2']);
    const session = await Session.open(program.control, { mode: 'capture', caseId: 'second' });
    const headers = { 'x-softprobe-session-id': session.id };
    await session.setRules([
      { when: { path: '/mocked' }, then: { action: 'mock', response: { body: 'mocked' } } },
    ]);
    for (const path of ['/mocked', '/3']) await (await fetch(program.ingress + path, { headers })).text();
    const second = join(folder, 'second.case.json');
    await writeFile(second, JSON.stringify(await session.closeToCase()));
    const { json } = await cli([...first, '--case', second, '--json']);
    assert.deepEqual([json.exitCode, json.passed], [0, 3]);
    const skipped = casesIn(json).map((replayed) => replayed.skipped.map(({ request }) => request));
    assert.deepEqual(skipped, [[], [`GET ${program.ingress}/mocked`]]);
  });

  it('replays a case that is too large to be loaded', async () => {
    const line = await recorded('large', ['/']);
    const file = join(folder, 'large.case.json');
    const document = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...document, padding: 'x'.repeat(40 * 1024 * 1024) }));
    const { code, stderr } = await cli(line);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /large\.case\.json is too large to be loaded; its rules are set all the same/);
  });

  describe('reports', () => {
    const nasty = `</script><img src=x onerror=alert(1)>&"'\u202e\u0000`;
    let line: string[] = [];
    beforeEach(async () => {
      answer = (_, response) => {
        response.setHeader('content-type', 'application/json').end(JSON.stringify({ [nasty]: nasty, n: 1 }));
      };
      line = await recorded('nasty', [`/?q=<b>"'&`], ['/same']);
      answer = (request, response) => {
        const changed = request.url === '/same' ? nasty : `${nasty}!`;
        response
          .setHeader('content-type', 'application/json')
          .end(JSON.stringify({ [nasty]: changed, n: 1 }));
      };
    });

    it('writes one HTML file that loads nothing and keeps markup of others out', async () => {
      const file = join(folder, 'report.html');
      const { code, stdout } = await cli([...line, '--report', file]);
      assert.equal(code, 20);
      assert.match(stdout, new RegExp(`\nwritten ${file}\n$`));
      const html = await readFile(file, 'utf8');
      assert.match(html, /^<!doctype html>/);
      assert.match(html, /&lt;img src=x onerror=alert\(1\)&gt;/);
      assert.doesNotMatch(html, /<img|<script|https?:\/\/(?!127)|url\(|@import|src=(?!x onerror)|href=/);
      for (const char of ['\u202e', '\u0000']) assert.equal(html.includes(char), false);
      assert.match(html, /prefers-color-scheme: dark/);
      assert.match(html, /2 requests: 1 passed, 1 failed/);
    });

    it('writes JUnit XML that a parser reads', async () => {
      const file = join(folder, 'results.xml');
      assert.equal((await cli([...line, '--junit', file])).code, 20);
      const script = `
import json, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
suite = root.find("testsuite")
failure = suite.find("testcase/failure")
print(json.dumps([root.tag, root.attrib["tests"], root.attrib["failures"], suite.attrib["name"],
  [case.attrib["name"] for case in suite.findall("testcase")], failure.attrib["type"], failure.text]))`;
      const [tag, tests, failures, suite, names, type, message] = JSON.parse(
        execFileSync('python3', ['-c', script, file], { encoding: 'utf8' }),
      );
      assert.deepEqual([tag, tests, failures, suite, type], ['testsuites', '2', '1', 'nasty', 'drift']);
      assert.equal(names[1], '#2 GET /same');
      assert.match(message, /onerror=alert\(1\)>&/);
    });
  });

  it('closes the session and writes no report on Ctrl-C', async () => {
    const line = await recorded('stopped', ['/quick'], ['/slow']);
    const reached = Promise.withResolvers<void>();
    answer = (request, response) => {
      if (request.url === '/slow') reached.resolve();
      else hello(request, response);
    };
    const args = [...line, '--report', join(folder, 'never.html'), '--json'];
    await using running = new BuiltProgram(args);
    await reached.promise;
    running.kill('SIGINT');
    const { code, stdout } = await running.ended;
    const json = checkJson(args, code, stdout);
    assert.deepEqual([json.exitCode, json.error?.code], [1, 'interrupted']);
    assert.deepEqual((await read(`${program.control}/v1/sessions`)).sessions, []);
    const left = (await readdir(folder)).filter((name) => name.includes('never') || name.endsWith('.tmp'));
    assert.deepEqual(left, []);
  });

  describe('what cannot be replayed', () => {
    it('ends with 3 when no runtime answers', async () => {
      const line = await recorded('nobody', ['/']);
      const { json } = await cli([...line.slice(0, 4), '--runtime-url', 'http://127.0.0.1:1', '--json']);
      assert.deepEqual([json.exitCode, json.error?.code], [3, 'runtime_unreachable']);
    });

    it('ends with 3 when the ingress is elsewhere, and sends nothing there', async () => {
      const line = await recorded('elsewhere', ['/']);
      const base = [...line.slice(0, 4), '--runtime-url', program.control, '--json'];
      const closed = await cli([...base, '--ingress-url', 'http://127.0.0.1:1']);
      assert.deepEqual([closed.json.exitCode, closed.json.error?.code], [3, 'ingress_unreachable']);

      const seen: (string | undefined)[] = [];
      answer = (request, response) => {
        seen.push(request.url);
        hello(request, response);
      };
      const { port } = app.address() as AddressInfo;
      const wrong = await cli([...base, '--ingress-url', `http://127.0.0.1:${port}`]);
      assert.deepEqual([wrong.json.exitCode, wrong.json.error?.code], [3, 'ingress_unreachable']);
      assert.match(wrong.json.error?.message ?? '', /is no ingress of that proxy/);
      assert.equal(seen.length, 1);
      assert.match(seen[0] ?? '', /^\/softprobe-replay\//);
      assert.deepEqual((await read(`${program.control}/v1/sessions`)).sessions, []);
    });

    it('ends with 5 for what is no case, and for one whose rules the runtime refuses', async () => {
      const file = join(folder, 'wrong.case.json');
      await writeFile(file, '{"version":"1.0.0"}');
      const invalid = await cli(['replay', 'run', '--case', file, ...proxy(), '--json']);
      assert.deepEqual([invalid.json.exitCode, invalid.json.error?.code], [5, 'invalid_case']);

      const line = await recorded('refused', ['/']);
      const document = JSON.parse(await readFile(join(folder, 'refused.case.json'), 'utf8'));
      document.rules = [{ when: { bodyJsonPath: 'nonsense' }, then: { action: 'passthrough' } }];
      await writeFile(join(folder, 'refused.case.json'), JSON.stringify(document));
      const refused = await cli([...line, '--json']);
      assert.deepEqual([refused.json.exitCode, refused.json.error?.code], [5, 'invalid_request']);
      assert.match(refused.json.error?.message ?? '', /refused\.case\.json.*nonsense/s);
      assert.deepEqual((await read(`${program.control}/v1/sessions`)).sessions, []);
    });

    it('ends with 1 for a missing file, and for a case without requests to the service', async () => {
      const missing = await cli([
        'replay',
        'run',
        '--case',
        join(folder, 'no.case.json'),
        ...proxy(),
        '--json',
      ]);
      assert.deepEqual([missing.json.exitCode, missing.json.error?.code], [1, 'unreadable_case']);
      const file = join(folder, 'empty.case.json');
      await writeFile(file, JSON.stringify({ version: '1.0.0', caseId: 'empty', traces: [] }));
      const empty = await cli(['replay', 'run', '--case', file, ...proxy(), '--json']);
      assert.deepEqual([empty.json.exitCode, empty.json.error?.code], [1, 'nothing_to_replay']);
    });

    it('ends with 5 for fixtures that are none', async () => {
      const line = await recorded('fixed', ['/']);
      const file = join(folder, 'wrong.yaml');
      await writeFile(file, 'tokens:\n  admin: [5]\n');
      const { json } = await cli([...line, '--fixtures', file, '--json']);
      assert.deepEqual([json.exitCode, json.error?.code], [5, 'invalid_fixtures']);
      assert.match(
        json.error?.message ?? '',
        /wrong\.yaml is not valid:\n {2}line 2: \/tokens\/admin: expected a text/,
      );
    });

    const mistakes: [string[], RegExp][] = [
      [[], /--case: this flag is needed/],
      [['--case', 'x', '--ignore', 'a.b'], /--ignore: the JSONPath "a\.b" is not valid/],
      [['--case', 'x', '--ignore-header', 'a b'], /--ignore-header: expected the name of a header/],
      [['--case', 'x', '--header', 'nothing'], /--header: expected "name: value"/],
      [['--case', 'x', '--timeout', 'long'], /--timeout: expected a time/],
      [['--case', 'x', '--app-url', 'http://a', '--runtime-url', 'http://b'], /leave one out/],
      [['--case', 'x', '--egress-port', '1'], /--egress-port: has no effect without --app-url/],
    ];
    for (const [flags, message] of mistakes) {
      it(`ends with 2: ${flags.join(' ')}`, async () => {
        const { code, stderr } = await cli(['replay', 'run', ...flags]);
        assert.equal(code, 2);
        assert.match(stderr, message);
      });
    }
  });
});
