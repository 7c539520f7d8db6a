import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { App } from './support/app.ts';
import { Program } from './support/program.ts';

// The client as its users get it: compiled, by the package's main file.
const library = (await import(
  new URL('../../dist/index.js', import.meta.url).href
)) as typeof import('../../src/index.ts');
const { Softprobe, startProxy, ListenError } = library;

const HELLO = fileURLToPath(new URL('../../examples/hello/', import.meta.url));

/** A service whose only dependency is no longer there, and what it had said while it was. */
interface Recorded {
  readonly greetings: readonly string[];
  readonly capturePath: string;
  readonly upstreamHost: string;
}

describe('a test that uses the client', () => {
  let program: Program;
  let app: App;
  let recorded: Recorded;
  let softprobe: InstanceType<typeof Softprobe>;

  /** Asks the service, as a test does: through the ingress listener, with the session's header. */
  const hello = async (headers: Record<string, string>) => {
    const response = await fetch(`${program.ingress}/hello`, { headers });
    return `${response.status} ${await response.text()}`;
  };

  before(async () => {
    const appPort = await freePort();
    program = await Program.start(`http://127.0.0.1:${appPort}`);
    softprobe = new Softprobe({ baseUrl: program.control });
    const upstream = await App.start(`${HELLO}upstream.js`, {});
    app = await App.start(`${HELLO}app.js`, {
      PORT: String(appPort),
      UPSTREAM_URL: upstream.url,
      HTTP_PROXY: program.egress,
    });
    const capture = await softprobe.startSession({ mode: 'capture' });
    const greetings = [await hello(capture.headers()), await hello(capture.headers())];
    const { capturePath = '' } = await capture.close({ out: 'hello.case.json' });
    await upstream.stop();
    recorded = { greetings, capturePath, upstreamHost: new URL(upstream.url).host };
  });
  after(async () => {
    await app[Symbol.asyncDispose]();
    await program[Symbol.asyncDispose]();
  });

  test('replays the dependency from the case, in order', async () => {
    assert.deepEqual(recorded.greetings, ['200 hello, visitor number 1\n', '200 hello, visitor number 2\n']);
    await using session = await softprobe.startSession({ mode: 'replay', policy: { offline: true } });
    await session.loadCaseFromFile(recorded.capturePath);
    assert.deepEqual(await session.mockFromCase(), { ruleCount: 2, skipped: [] });
    const headers = session.headers();
    assert.deepEqual([await hello(headers), await hello(headers)], recorded.greetings);
    const { injectedSpans, strictMisses, forwardedOutbound } = await session.stats();
    assert.deepEqual([injectedSpans, strictMisses, forwardedOutbound], [2, 0, 0]);
  });

  test('mocks the dependency with what it changed of the recording', async () => {
    await using session = await softprobe.startSession({ mode: 'replay' });
    await session.loadCaseFromFile(recorded.capturePath);
    const [hit] = session.findAllInCase({ direction: 'outbound', path: '/greeting' });
    assert.ok(hit !== undefined);
    hit.response.body = '{"greeting":"nobody"}';
    await session.mockOutbound({ host: recorded.upstreamHost, path: '/greeting', response: hit.response });
    assert.equal(await hello(session.headers()), '200 hello, nobody\n');
    await session.mockOutbound({ path: '/greeting', error: { status: 503 } });
    assert.equal(await hello(session.headers()), '502 the upstream said 503\n');
  });

  test('is told of a call that nothing answers', async () => {
    await using session = await softprobe.startSession({ mode: 'replay', policy: { offline: true } });
    await session.mockOutbound({ id: 'near', path: '/greetings', response: {} });
    assert.equal(await hello(session.headers()), '502 the upstream said 599\n');
    const [miss] = await session.misses();
    assert.equal(miss?.request.url, `http://${recorded.upstreamHost}/greeting`);
    assert.equal(miss.nearMisses[0]?.rule, 'near');
    const { decision } = await session.explain({ url: miss.request.url });
    assert.equal(decision.outcome, 'strict-miss');
  });

  test('starts a proxy in its own process', async () => {
    await using proxy = await startProxy({
      appUrl: app.url,
      ingressPort: 0,
      egressPort: 0,
      controlPort: 0,
      adminPort: 0,
      interception: false,
    });
    await using session = await new Softprobe({ baseUrl: proxy.urls.control }).startSession({
      mode: 'replay',
    });
    await session.mockOutbound({ direction: 'inbound', path: '/x', response: { body: 'from the mock' } });
    const response = await fetch(`${proxy.urls.ingress}/x`, { headers: session.headers() });
    assert.equal(await response.text(), 'from the mock');
    const port = Number(new URL(proxy.urls.control).port);
    await assert.rejects(
      startProxy({
        appUrl: app.url,
        ingressPort: 0,
        egressPort: 0,
        controlPort: port,
        adminPort: 0,
        interception: false,
      }),
      (error) => error instanceof ListenError && error.listener === 'control' && error.port === port,
    );
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
