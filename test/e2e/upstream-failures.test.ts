import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunked, request } from './rows/row.ts';
import { field, type Response } from './support/http-message.ts';
import { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import { openRoute, type Route, renderRequest, ways } from './support/route.ts';
import { type OriginCall, ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

const GET = request('GET', '/fails');

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

const failures: readonly [name: string, play: (call: OriginCall) => unknown][] = [
  ['closes without an answer', (call) => call.end()],
  ['resets without an answer', (call) => call.reset()],
  ['answers no HTTP at all', (call) => call.write('SSH-2.0-OpenSSH_9.2\r\n')],
  ['answers a header that is none', (call) => call.write('HTTP/1.1 200 OK\r\nno colon here\r\n\r\n')],
  ['answers with a status that is no number', (call) => call.write('HTTP/1.1 OK\r\n\r\n')],
  ['answers with a status below 100', (call) => call.write('HTTP/1.1 042 What\r\nContent-Length: 0\r\n\r\n')],
  [
    'answers with a control character in its reason',
    (call) => call.write('HTTP/1.1 200 O\u0001K\r\nContent-Length: 0\r\n\r\n'),
  ],
  ['breaks off inside its head', (call) => call.write('HTTP/1.1 200 OK\r\nX-Half').then(() => call.end())],
  [
    'switches protocols although nobody asked',
    (call) => call.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
  ],
  [
    'answers with a head of 100 KB',
    (call) => call.write(`HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(100_000)}\r\n\r\n`),
  ],
  [
    'answers with two lengths',
    (call) => call.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'),
  ],
];

/** The one goes by undici, the other by node:http's client. */
const requests = [
  request('GET', '/'),
  request('POST', '/', ['Transfer-Encoding: chunked'], chunked(['body'])),
];

for (const way of ways) {
  describe(`an upstream: ${way.name}`, () => {
    for (const sent of requests) {
      for (const [name, play] of failures) {
        test(`that ${name} is a 502, also for ${sent.method}`, async () => {
          const route = await openRoute(program, way);
          origin.next(async (call) => {
            await call.body();
            await play(call);
          });
          using client = await RawClient.connect(route.url);
          await client.write(renderRequest(sent, route, origin));
          expectProxyError(await client.readResponse(), 502);
          await expectRecordedFailure(route);
          await expectWorking(route);
        });
      }
    }
  });
}

const poisons: readonly [name: string, method: string, head: string][] = [
  ['a complete response', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a response to HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n'],
  ['a 204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['a 304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 60\r\n\r\n'],
];

for (const way of ways) {
  for (const [name, method, head] of poisons) {
    test(`what an upstream sends after ${name} is never the answer to another request: ${way.name}`, async () => {
      const route = await openRoute(program, way);
      origin.next(async (call) => {
        await call.body();
        await call.write(`${head}HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned`);
      });
      using client = await RawClient.connect(route.url);
      await client.write(renderRequest(request(method, '/first'), route, origin));
      const first = await client.readResponse(method);
      assert.equal(first.status, Number(head.slice(9, 12)));
      for (const _ of [1, 2, 3]) await expectWorking(route);
    });
  }

  test(`a response with both a length and chunks keeps one of them: ${way.name}`, async () => {
    const route = await openRoute(program, way);
    origin.next(async (call) => {
      await call.body();
      await call.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      );
    });
    const answer = await get(route);
    if (answer.status === 502) return;
    assert.deepEqual([answer.body.toString(), field(answer, 'content-length')], ['hello', undefined]);
  });
}

/** Egress only: the app of the ingress listener is fixed when the program starts. */
const egressWays = ways.filter(({ kind }) => kind === 'egress');

for (const way of egressWays) {
  test(`a port that refuses is a 502 and recorded as ECONNREFUSED: ${way.name}`, async () => {
    const route = await openRoute(program, way);
    const closed = await ScriptedOrigin.listen();
    const target = closed.authority;
    await closed[Symbol.asyncDispose]();
    expectProxyError(await getFrom(route, `http://${target}/`), 502);
    await expectRecordedFailure(route, 'ECONNREFUSED');
  });

  test(`a name that cannot be resolved is a 502: ${way.name}`, async () => {
    const route = await openRoute(program, way);
    // A label of 64 octets is no name (RFC 1035 section 2.3.4): resolvers refuse it without asking anybody.
    expectProxyError(await getFrom(route, `http://${'n'.repeat(64)}.example/`), 502);
    await expectRecordedFailure(route);
  });

  for (const listener of ['ingress', 'egress', 'control', 'admin'] as const) {
    test(`the ${listener} listener of the proxy itself is a 508: ${way.name}`, async () => {
      const route = await openRoute(program, way);
      const { port } = new URL(program[listener]);
      for (const host of ['127.0.0.1', 'localhost', '127.1', '0.0.0.0', '[::ffff:127.0.0.1]']) {
        expectProxyError(await getFrom(route, `http://${host}:${port}/ready`), 508);
      }
    });
  }
}

describe('an app that is not there', () => {
  for (const way of ways.filter(({ kind }) => kind === 'ingress')) {
    test(`is a 502: ${way.name}`, async () => {
      const gone = await ScriptedOrigin.listen();
      await using lonely = await Program.start(gone.url);
      await gone[Symbol.asyncDispose]();
      const route = await openRoute(lonely, way);
      expectProxyError(await get(route), 502);
      await expectRecordedFailure(route, 'ECONNREFUSED');
    });
  }
});

function expectProxyError(answer: Response, status: number) {
  const text = answer.body.toString();
  assert.equal(answer.status, status, text);
  assert.equal(field(answer, 'x-softprobe-outcome'), 'proxy-error');
  assert.equal(field(answer, 'content-type'), 'application/json');
  const { error } = JSON.parse(text) as { error: { code: unknown; message: unknown } };
  assert.match(String(error.code), /^[a-z_]+$/);
  assert.ok(String(error.message).length > 10, text);
  assert.doesNotMatch(text, /\bat .*:\d+:\d+|node_modules|sess_/, 'a stack, a path or a session id');
}

async function expectRecordedFailure({ session }: Route, errorType?: string) {
  if (session === undefined) return;
  const span = onlySpan(await session.closeToCase());
  const type = attribute(span, 'error.type');
  assert.ok(typeof type === 'string' && type !== '', 'no error.type');
  if (errorType !== undefined) assert.equal(type, errorType);
  assert.equal(span.status?.code, 2);
  assert.equal(attribute(span, 'http.response.status_code'), undefined, 'the upstream answered nothing');
}

/** One upstream that misbehaves must not cost the next request its connection. */
async function expectWorking(route: Route) {
  origin.next(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'));
  assert.equal((await get(route)).body.toString(), 'ok');
}

async function get(route: Route): Promise<Response> {
  using client = await RawClient.connect(route.url);
  await client.write(renderRequest(GET, route, origin));
  return await client.readResponse();
}

async function getFrom(route: Route, url: string): Promise<Response> {
  using client = await RawClient.connect(route.url);
  const session = route.session === undefined ? '' : `x-softprobe-session-id: ${route.session.id}\r\n`;
  await client.write(`GET ${url} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${session}\r\n`);
  return await client.readResponse();
}
