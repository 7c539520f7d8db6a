import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import type { CaseDocument } from '../../src/cases/documents.generated.ts';
import { plain } from './rows/row.ts';
import { Program } from './support/program.ts';
import { attribute, spansOf } from './support/recorded-spans.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

const run = promisify(execFile);

let upstream: ScriptedOrigin;
let app: Server;
let program: Program;

before(async () => {
  upstream = await ScriptedOrigin.listen();
  app = createServer((incoming, outgoing) => {
    callUpstream(incoming).then(
      (greeting) => outgoing.end(greeting),
      (error: unknown) => outgoing.writeHead(500).end(String(error)),
    );
  });
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  program = await Program.start(`http://127.0.0.1:${(app.address() as AddressInfo).port}`);
});
beforeEach(() => upstream.clear());
after(async () => {
  app.closeAllConnections();
  app.close();
  await upstream[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
});

test('the smoke test with curl records one inbound and one outbound hop of one trace', async () => {
  const created = JSON.parse(
    await curl('-XPOST', `${program.control}/v1/sessions`, '-d', '{"mode":"capture"}'),
  ) as { sessionId: string };
  upstream.next(plain('hello'));
  const greeting = await curl(
    '-H',
    `x-softprobe-session-id: ${created.sessionId}`,
    `${program.ingress}/hello`,
  );
  assert.equal(greeting, 'app says hello');
  const closed = JSON.parse(
    await curl('-XPOST', `${program.control}/v1/sessions/${created.sessionId}/close`),
  ) as { closed: boolean; capturePath: string; stats: { extractedSpans: number } };
  assert.deepEqual([closed.closed, closed.stats.extractedSpans], [true, 2]);

  const spans = spansOf(JSON.parse(await readFile(closed.capturePath, 'utf8')) as CaseDocument);
  const described = spans.map((span) =>
    ['sp.traffic.direction', 'http.request.method', 'url.path', 'url.host'].map((key) =>
      attribute(span, key),
    ),
  );
  assert.deepEqual(described, [
    ['inbound', 'GET', '/hello', new URL(program.ingress).host],
    ['outbound', 'GET', '/greeting', upstream.authority],
  ]);
  const [inbound, outbound] = spans;
  assert.equal(outbound?.traceId, inbound?.traceId);
  assert.equal(outbound?.parentSpanId, inbound?.spanId);
});

test('the recording continues the trace of a client that has one', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const sessionId = await openSession();
  upstream.next(plain('hello'));
  await curl(
    '-H',
    `x-softprobe-session-id: ${sessionId}`,
    '-H',
    `traceparent: 00-${traceId}-b7ad6b7169203331-01`,
    '-H',
    'tracestate: vendor=1,x-sp-session-id=stale,x-sp-traceparent=old',
    `${program.ingress}/hello`,
  );
  const [inbound, outbound] = spansOf(await closeToCase(sessionId));
  assert.deepEqual([inbound?.traceId, outbound?.traceId], [traceId, traceId]);
  assert.equal(inbound?.parentSpanId, 'b7ad6b7169203331');
  const seen = upstream.seen.at(-1);
  const tracestate = seen?.headers[seen.headers.indexOf('tracestate') + 1];
  assert.equal(tracestate, `x-softprobe-session-id=${sessionId},vendor=1`);
});

for (const header of ['x-sp-session-id', 'sp_session_id', 'x-session-id', 'X-SOFTPROBE-SESSION-ID']) {
  test(`the header ${header} names the session as well`, async () => {
    const sessionId = await openSession();
    upstream.next(plain('hello'));
    await curl('-H', `${header}: ${sessionId}`, `${program.ingress}/hello`);
    const directions = spansOf(await closeToCase(sessionId)).map((span) =>
      attribute(span, 'sp.traffic.direction'),
    );
    assert.deepEqual(directions, ['inbound', 'outbound']);
  });
}

test('without a session the same run records nothing and adds nothing', async () => {
  upstream.next(plain('hello'));
  const answer = await curl('-i', `${program.ingress}/hello`);
  assert.match(answer, /app says hello$/);
  assert.doesNotMatch(answer, /x-softprobe/i);
  const names = upstream.seen.at(-1)?.headers.filter((_, index) => index % 2 === 0) ?? [];
  assert.deepEqual(
    names.filter((name) => /^(trace|x-softprobe)/i.test(name)),
    [],
  );
});

async function openSession(): Promise<string> {
  const text = await curl('-XPOST', `${program.control}/v1/sessions`, '-d', '{"mode":"capture"}');
  return (JSON.parse(text) as { sessionId: string }).sessionId;
}

async function closeToCase(sessionId: string): Promise<CaseDocument> {
  const text = await curl('-XPOST', `${program.control}/v1/sessions/${sessionId}/close`);
  const { capturePath } = JSON.parse(text) as { capturePath: string };
  return JSON.parse(await readFile(capturePath, 'utf8')) as CaseDocument;
}

async function curl(...args: string[]): Promise<string> {
  const { stdout } = await run('curl', ['-sS', '--max-time', '15', '--noproxy', '*', ...args]);
  return stdout;
}

/** What an instrumented app does: calls its dependency through the egress listener, handing on the trace. */
async function callUpstream(incoming: IncomingMessage): Promise<string> {
  const { host, hostname, port } = { ...parts(program.egress), host: upstream.authority };
  const traced = ['traceparent', 'tracestate'].flatMap((name) => {
    const value = incoming.headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  const headers = { host, ...Object.fromEntries(traced) };
  const outgoing = request({ hostname, port, path: `${upstream.url}/greeting`, headers });
  outgoing.end();
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return `app says ${Buffer.concat(chunks)}`;
}

function parts(url: string) {
  const { hostname, port } = new URL(url);
  return { hostname, port };
}
