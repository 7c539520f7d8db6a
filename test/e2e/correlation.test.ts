import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CaseDocument, Span } from '../../src/cases/documents.generated.ts';
import { App } from './support/app.ts';
import { read, Session } from './support/control-client.ts';
import { Dependency } from './support/dependency.ts';
import { Gateway } from './support/gateway.ts';
import { Program } from './support/program.ts';
import { attribute, spansOf } from './support/recorded-spans.ts';

const WORKER = fileURLToPath(new URL('support/apps/worker.ts', import.meta.url));
const OPENTELEMETRY = new URL('../../examples/shop/instrumentation.ts', import.meta.url).href;

/** An app process, and how the calls that it makes can be tied to a session. */
interface Kind {
  readonly name: string;
  readonly attribution: string;
  readonly env: Record<string, string>;
  readonly nodeFlags?: readonly string[];
  /** What the test sends besides the session header. */
  readonly headers: (session: Session) => Record<string, string>;
}

const none = () => ({});
const KINDS: readonly Kind[] = [
  {
    name: 'opentelemetry',
    attribution: 'tracestate',
    env: {},
    nodeFlags: ['--import', OPENTELEMETRY],
    headers: none,
  },
  {
    name: 'traceparent',
    attribution: 'trace-id',
    env: { PASSES_ON: 'traceparent' },
    headers: none,
  },
  {
    name: 'credentials',
    attribution: 'proxy-credential',
    env: { PROXY_USER_FROM: 'x-tenant' },
    headers: ({ id }) => ({ 'x-tenant': id }),
  },
  {
    name: 'baggage',
    attribution: 'baggage',
    env: { PASSES_ON: 'baggage' },
    headers: ({ id }) => ({ baggage: `tenant=7,x-softprobe-session-id=${id};ttl=1` }),
  },
];

/** Sessions that are open at once, a quarter of them for each app; each is followed by another. */
const AT_ONCE = 200;
const GENERATIONS = 2;

const apps = new Map<string, App>();
let dependency: Dependency;
let gateway: Gateway;
let program: Program;
before(async () => {
  dependency = await Dependency.listen();
  gateway = await Gateway.listen((name) => apps.get(name)?.url);
  program = await Program.start(gateway.url);
  const env = { DEPENDENCY_URL: dependency.url, HTTP_PROXY: program.egress };
  await Promise.all(
    KINDS.map(async (kind) => {
      apps.set(kind.name, await App.start(WORKER, { ...env, ...kind.env }, kind.nodeFlags));
    }),
  );
});
after(async () => {
  await Promise.all([...apps.values()].map((app) => app.stop()));
  await Promise.all([gateway, dependency, program].map((part) => part[Symbol.asyncDispose]()));
});

/** One test of a user: its session, and a marker that appears in all that belongs to it. */
interface Lane {
  readonly kind: Kind;
  readonly marker: string;
  readonly session: Session;
  /** How many requests it makes: sessions end at different times, while others are in the middle. */
  readonly requests: number;
}

test('200 sessions over four apps, each with another answer to the same call, stay apart', {
  timeout: 20_000,
}, async () => {
  const first = await Promise.all(Array.from({ length: AT_ONCE }, (_, number) => openLane(number, 0)));
  const { sessions } = (await read(`${program.control}/v1/sessions`)) as { sessions: unknown[] };
  assert.equal(sessions.length, AT_ONCE);
  await Promise.all(
    first.map(async (lane, number) => {
      await useLane(lane);
      for (let generation = 1; generation < GENERATIONS; generation++) {
        await useLane(await openLane(number, generation));
      }
    }),
  );
  // Nobody's mocked call got through, and nobody's call was lost.
  assert.deepEqual(
    dependency.seen.filter((request) => !request.startsWith('GET /echo?id=')),
    [],
  );
  assert.equal(new Set(dependency.seen).size, dependency.seen.length);
  assert.equal(((await read(`${program.control}/v1/uncorrelated`)) as { total: number }).total, 0);
  await expectMetric('softprobe_forwarded_outbound_total', dependency.seen.length);
  await expectMetric('softprobe_session_attribution_total{attribution="header"}', dependency.seen.length);
});

async function expectMetric(name: string, value: number) {
  const text = await (await fetch(`${program.control}/metrics`)).text();
  assert.ok(text.includes(`\n${name} ${value}\n`), text);
}

async function openLane(number: number, generation: number): Promise<Lane> {
  const kind = KINDS[number % KINDS.length];
  assert.ok(kind !== undefined);
  const marker = `${kind.name}-${number}-${generation}`;
  const session = await Session.open(program.control, { mode: 'capture', caseId: marker });
  await session.setRules([
    {
      id: `value of ${marker}`,
      when: { direction: 'outbound', method: 'GET', path: '/value' },
      then: { action: 'mock', response: { body: { value: marker } } },
    },
  ]);
  return { kind, marker, session, requests: 1 + (number % 3) };
}

/** Lives one session to its end: all its requests at the same time, then the close. */
async function useLane(lane: Lane): Promise<void> {
  const ids = Array.from({ length: lane.requests }, (_, index) => `${lane.marker}-${index}`);
  await Promise.all(
    ids.map(async (id) =>
      assert.deepEqual(await work(lane, id), { value: { value: lane.marker }, echo: id }),
    ),
  );
  const stats = await lane.session.stats();
  assert.deepEqual(stats.attribution, { header: ids.length, [lane.kind.attribution]: 2 * ids.length });
  assert.equal(stats.forwardedOutbound, ids.length);
  expectOnlyOwnHops(lane, ids, await lane.session.closeToCase());
}

async function work({ kind, session }: Lane, id: string): Promise<unknown> {
  const headers = { 'x-softprobe-session-id': session.id, ...kind.headers(session) };
  const response = await fetch(`${program.ingress}/${kind.name}/work?id=${id}`, { headers });
  const body = await response.text();
  assert.equal(response.status, 200, body);
  return JSON.parse(body);
}

/** Every hop of the case is this session's, and all of them are there. */
function expectOnlyOwnHops({ kind, marker, session }: Lane, ids: readonly string[], document: CaseDocument) {
  const spans = spansOf(document);
  const owners = new Set(spans.map((span) => attribute(span, 'sp.session.id')));
  assert.deepEqual([...owners], [session.id]);
  const expected = ids.flatMap((id) => [
    `inbound header /${kind.name}/work?id=${id} ${JSON.stringify({ value: { value: marker }, echo: id })}`,
    `outbound ${kind.attribution} /value ${JSON.stringify({ value: marker })}`,
    `outbound ${kind.attribution} /echo?id=${id} ${JSON.stringify(id)}`,
  ]);
  assert.deepEqual(spans.map(describeHop).sort(), expected.sort());
  if (kind.name !== 'opentelemetry' && kind.name !== 'traceparent') return;
  // Where trace context travels, each request is one trace.
  assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, ids.length);
}

function describeHop(span: Span): string {
  const of = (key: string) => attribute(span, key);
  const query = of('url.query');
  const url = query === undefined ? of('url.path') : `${of('url.path')}?${query}`;
  return `${of('sp.traffic.direction')} ${of('sp.session.attribution')} ${url} ${of('http.response.body')}`;
}
