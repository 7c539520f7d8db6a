import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Hop } from '../../src/cases/index.ts';
import { hopOf } from './support/exchange.ts';
import { type RuntimeServer, startRuntime } from './support/runtime-server.ts';

const strict = { mode: 'replay', policy: { externalHttp: 'strict' } };
const noBody = new Uint8Array();

function decide({ runtime }: RuntimeServer, id: string, hop: Hop) {
  const ticket = runtime.findSession(id);
  assert.ok(ticket);
  const decision = runtime.decide(ticket, hop);
  assert.ok(decision.kind === 'respond');
  return decision;
}

test('a session without a strict miss has none to tell', async (t) => {
  const { call, session } = await startRuntime(t);
  const id = await session(strict);
  const { status, json } = await call('GET', `/v1/sessions/${id}/misses`);
  assert.equal(status, 200);
  assert.deepEqual(json, { sessionId: id, sessionRevision: 0, total: 0, misses: [] });
});

test('each strict miss is told with what came near and a rule that turns it into a hit', async (t) => {
  const server = await startRuntime(t);
  const { call } = server;
  const id = await server.session(strict);
  await call('POST', `/v1/sessions/${id}/rules`, {
    rules: [{ id: 'typo', when: { path: '/charg' }, then: { action: 'mock', response: {} } }],
  });
  const hop = hopOf({ method: 'POST', path: '/charge', query: 'dry=1', body: Buffer.from('{"amount":1}') });
  const shown = JSON.parse(Buffer.from(decide(server, id, hop).response.body).toString());

  const { json } = await call('GET', `/v1/sessions/${id}/misses`);
  assert.equal(json.sessionRevision, 1);
  assert.equal(json.total, 1);
  const [miss] = json.misses;
  assert.equal(new Date(miss.time).toISOString(), miss.time);
  assert.deepEqual(miss.request, {
    method: 'POST',
    host: 'api.test',
    path: '/charge',
    url: 'http://api.test/charge?dry=1',
  });
  assert.equal(miss.requestFingerprint, shown.requestFingerprint);
  assert.equal(miss.nearMisses[0].rule, 'typo');
  assert.equal(miss.nearMisses[0].failed[0].key, 'path');
  assert.deepEqual(miss.nearMisses, shown.nearMisses);
  const { stats } = (await call('GET', `/v1/sessions/${id}/stats`)).json;
  assert.deepEqual(stats.lastStrictMiss.nearMisses, shown.nearMisses);
  assert.equal(stats.lastStrictMiss.fingerprint, shown.requestFingerprint);

  const posted = await call('POST', `/v1/sessions/${id}/rules`, { rules: [miss.suggestedRule] });
  assert.equal(posted.status, 200, posted.text);
  assert.equal(decide(server, id, hop).outcome, 'mock');
});

test('the last hundred are remembered, newest first, and all are counted', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session(strict);
  for (let n = 0; n < 130; n++) decide(server, id, hopOf({ path: `/${n}`, body: noBody }));
  const { json } = await server.call('GET', `/v1/sessions/${id}/misses`);
  assert.equal(json.total, 130);
  assert.deepEqual(
    json.misses.map(({ request }: { request: { path: string } }) => request.path),
    Array.from({ length: 100 }, (_, i) => `/${129 - i}`),
  );
  assert.equal((await server.call('GET', `/v1/sessions/${id}/stats`)).json.stats.strictMisses, 130);
});

test('a refused tunnel is a miss like any other', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session(strict);
  const ticket = server.runtime.findSession(id);
  assert.ok(ticket);
  const tunnel = { method: 'CONNECT', host: 'api.test:443', path: '', headers: [], body: noBody } as const;
  server.runtime.decideTunnel(ticket, hopOf({ ...tunnel, scheme: 'https' }));
  const { json } = await server.call('GET', `/v1/sessions/${id}/misses`);
  assert.equal(json.misses[0].request.method, 'CONNECT');
  const posted = await server.call('POST', `/v1/sessions/${id}/rules`, {
    rules: [json.misses[0].suggestedRule],
  });
  assert.equal(posted.status, 200, posted.text);
});

test('the misses of a session that is not open are a 404', async (t) => {
  const { call } = await startRuntime(t);
  const { status, json } = await call('GET', '/v1/sessions/sess_none/misses');
  assert.equal(status, 404);
  assert.equal(json.error.code, 'unknown_session');
});
