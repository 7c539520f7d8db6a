import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attribution, Hop } from '../../src/cases/index.ts';
import { hopOf } from './support/exchange.ts';
import { type RuntimeServer, startRuntime } from './support/runtime-server.ts';

function decideAll({ runtime }: RuntimeServer, id: string, hops: readonly Hop[]): void {
  const ticket = runtime.findSession(id);
  assert.ok(ticket);
  for (const hop of hops) runtime.decide(ticket, hop);
}

async function statsOf(server: RuntimeServer, id: string) {
  const { stats } = (await server.call('GET', `/v1/sessions/${id}/stats`)).json;
  assert.deepEqual((await server.call('GET', `/v1/sessions/${id}/state`)).json.stats, stats);
  return stats;
}

const mocked = { when: { path: '/mocked' }, then: { action: 'mock', response: {} } };

test('hops are counted by what tied them, only what occurred, in stats, state, close and metrics', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session({ mode: 'replay' });
  assert.deepEqual((await statsOf(server, id)).attribution, {});
  const ways: Attribution[] = [
    'header',
    'tracestate',
    'tracestate',
    'baggage',
    'trace-id',
    'proxy-credential',
    'sole-session',
  ];
  decideAll(server, id, [
    ...ways.map((attribution) => hopOf({ attribution })),
    hopOf({ direction: 'inbound', attribution: 'header' }),
    hopOf(),
  ]);
  const attribution = {
    header: 2,
    tracestate: 2,
    baggage: 1,
    'trace-id': 1,
    'proxy-credential': 1,
    'sole-session': 1,
  };
  assert.deepEqual((await statsOf(server, id)).attribution, attribution);
  const other = await server.session();
  decideAll(server, other, [hopOf({ attribution: 'baggage' })]);
  assert.deepEqual((await statsOf(server, other)).attribution, { baggage: 1 });
  const closed = await server.call('POST', `/v1/sessions/${id}/close`);
  assert.deepEqual(closed.json.stats.attribution, attribution);
  const { text } = await server.call('GET', '/metrics');
  assert.match(text, /^softprobe_session_attribution_total\{attribution="baggage"\} 2$/m);
  assert.match(text, /^softprobe_session_attribution_total\{attribution="header"\} 2$/m);
});

test('a hop whose decision waits for its body is counted once', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session({ mode: 'replay' });
  await server.call('POST', `/v1/sessions/${id}/rules`, {
    rules: [{ when: { bodyJsonPath: '$.a' }, then: { action: 'mock', response: {} } }],
  });
  const hop = hopOf({ method: 'POST', attribution: 'header' });
  decideAll(server, id, [hop]);
  assert.deepEqual((await statsOf(server, id)).attribution, {});
  hop.body = Buffer.from('{"a":1}');
  decideAll(server, id, [hop]);
  assert.deepEqual((await statsOf(server, id)).attribution, { header: 1 });
});

test('outbound hops that were let out are counted, not answered, refused or inbound ones', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session({
    mode: 'replay',
    policy: { externalHttp: 'strict', externalAllowlist: ['let.test'] },
  });
  await server.call('POST', `/v1/sessions/${id}/rules`, { rules: [mocked] });
  const refused = hopOf({ body: new Uint8Array() });
  decideAll(server, id, [hopOf({ path: '/mocked' }), refused, hopOf({ direction: 'inbound' })]);
  assert.equal((await statsOf(server, id)).forwardedOutbound, 0);
  decideAll(server, id, [hopOf({ host: 'let.test' })]);
  assert.equal((await statsOf(server, id)).forwardedOutbound, 1);
  const { text } = await server.call('GET', '/metrics');
  assert.match(text, /^softprobe_forwarded_outbound_total 1$/m);
  const closed = await server.call('POST', `/v1/sessions/${id}/close`);
  assert.equal(closed.json.stats.forwardedOutbound, 1);
});

test('a tunnel counts as an outbound hop: let out, or a strict miss that is remembered', async (t) => {
  const server = await startRuntime(t);
  const tunnel = hopOf({
    method: 'CONNECT',
    scheme: 'https',
    host: 'api.test:443',
    path: '',
    headers: [],
    body: new Uint8Array(),
    attribution: 'proxy-credential',
  });
  const decide = async (policy: object) => {
    const id = await server.session({ mode: 'replay', policy });
    const ticket = server.runtime.findSession(id);
    assert.ok(ticket);
    const decision = server.runtime.decideTunnel(ticket, tunnel);
    const before = await statsOf(server, id);
    if (decision.kind === 'forward') server.runtime.countTunnel(ticket, tunnel, decision);
    return { id, kind: decision.kind, before, stats: await statsOf(server, id) };
  };
  const open = await decide({});
  assert.equal(open.kind, 'forward');
  assert.equal(open.before.forwardedOutbound, 0, 'nothing has left yet');
  assert.equal(open.stats.forwardedOutbound, 1);
  assert.deepEqual(open.stats.attribution, { 'proxy-credential': 1 });
  const strict = await decide({ externalHttp: 'strict' });
  assert.equal(strict.kind, 'respond');
  assert.equal(strict.stats.forwardedOutbound, 0);
  assert.equal(strict.stats.strictMisses, 1);
  assert.equal(strict.stats.lastStrictMiss.method, 'CONNECT');
  assert.equal(strict.stats.lastStrictMiss.url, 'https://api.test:443');
});

test('the sole session is the open one while there is exactly one', async (t) => {
  const { runtime, session } = await startRuntime(t);
  assert.equal(runtime.soleSession(), undefined);
  const first = await session({ mode: 'replay' });
  assert.equal(runtime.soleSession()?.id, first);
  const second = await session({ mode: 'replay' });
  assert.equal(runtime.soleSession(), undefined);
  await runtime.close(first);
  assert.equal(runtime.soleSession()?.id, second);
});

test('to be the sole session is a sign of life', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const { runtime } = await startRuntime(t);
  runtime.createSession({ mode: 'replay' });
  t.mock.timers.setTime(2_000_000);
  assert.equal(runtime.soleSession()?.lastUsed, 2_000_000);
});
