import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UncorrelatedRequest } from '../../src/runtime/index.ts';
import { hopOf } from './support/exchange.ts';
import { LogLines } from './support/log-lines.ts';
import { type RuntimeServer, startRuntime } from './support/runtime-server.ts';

function requestOf(given: Partial<UncorrelatedRequest> = {}): UncorrelatedRequest {
  return {
    method: 'GET',
    host: 'api.test',
    path: '/things',
    hadTraceparent: false,
    namedUnknownSession: false,
    ...given,
  };
}

/** Lets an inbound hop, and if asked an outbound one, belong to the session. */
function decide({ runtime }: RuntimeServer, id: string, direction: 'inbound' | 'outbound'): void {
  const ticket = runtime.findSession(id);
  assert.ok(ticket);
  runtime.decide(ticket, hopOf({ direction, attribution: 'header' }));
}

test('requests of no session are told newest first, each with the time and the likely reason', async (t) => {
  const { runtime, call } = await startRuntime(t);
  assert.deepEqual((await call('GET', '/v1/uncorrelated')).json, { requests: [], total: 0 });
  runtime.noteUncorrelated(requestOf());
  runtime.noteUncorrelated(requestOf({ method: 'POST', path: '/traced', hadTraceparent: true }));
  runtime.noteUncorrelated(
    requestOf({ host: 'b.test:8080', hadTraceparent: true, namedUnknownSession: true }),
  );
  const { status, json } = await call('GET', '/v1/uncorrelated');
  assert.equal(status, 200);
  assert.equal(json.total, 3);
  const [named, traced, bare] = json.requests;
  assert.deepEqual(Object.keys(named), ['time', 'method', 'host', 'path', 'hadTraceparent', 'likelyReason']);
  assert.equal(new Date(named.time).toISOString(), named.time);
  assert.equal(named.host, 'b.test:8080');
  assert.match(named.likelyReason, /named a session that is not open.*misspelt.*closed.*expired/);
  assert.deepEqual([traced.method, traced.path, traced.hadTraceparent], ['POST', '/traced', true]);
  assert.match(traced.likelyReason, /traceparent.*new trace.*background work.*ingress/);
  assert.equal(bare.hadTraceparent, false);
  assert.match(
    bare.likelyReason,
    /not instrumented.*W3C.*HTTP_PROXY=http:\/\/<sessionId>:x@.*--fallback-session sole/,
  );
});

test('the caller may use its object again', async (t) => {
  const { runtime, call } = await startRuntime(t);
  const request = { ...requestOf() };
  runtime.noteUncorrelated(request);
  request.host = 'changed.test';
  assert.equal((await call('GET', '/v1/uncorrelated')).json.requests[0].host, 'api.test');
});

test('the last 256 are remembered, however many there were', async (t) => {
  const { runtime, call } = await startRuntime(t);
  for (let n = 0; n < 600; n++) runtime.noteUncorrelated(requestOf({ path: `/${n}` }));
  const { json } = await call('GET', '/v1/uncorrelated');
  assert.equal(json.total, 600);
  assert.deepEqual(
    json.requests.map(({ path }: { path: string }) => path),
    Array.from({ length: 256 }, (_, i) => `/${599 - i}`),
  );
});

test('a very long path is shown by its beginning', async (t) => {
  const { runtime, call } = await startRuntime(t);
  runtime.noteUncorrelated(requestOf({ path: `/${'x'.repeat(60_000)}` }));
  const [request] = (await call('GET', '/v1/uncorrelated')).json.requests;
  assert.match(request.path, /^\/x{500,2000}…$/);
});

test('what no session claimed is shown to those with the token only', async (t) => {
  const { call } = await startRuntime(t, { apiToken: 's3cret' });
  assert.equal((await call('GET', '/v1/uncorrelated')).status, 401);
  const authorization = 'Bearer s3cret';
  assert.equal((await call('GET', '/v1/uncorrelated', undefined, { authorization })).status, 200);
});

test('closing a session without outbound hops warns of the requests that went by, and logs it', async (t) => {
  const log = new LogLines();
  const server = await startRuntime(t, { logger: log.logger });
  server.runtime.noteUncorrelated(requestOf({ path: '/before' }));
  const id = await server.session();
  decide(server, id, 'inbound');
  server.runtime.noteUncorrelated(requestOf());
  server.runtime.noteUncorrelated(requestOf());
  server.runtime.noteUncorrelated(requestOf({ method: 'POST', path: '/traced', hadTraceparent: true }));
  const { json } = await server.call('POST', `/v1/sessions/${id}/close`);
  assert.equal(json.warnings.length, 2);
  const [traced, bare] = json.warnings;
  assert.match(traced, /1 inbound hop and no outbound one, while 3 outbound requests of no session went by/);
  assert.match(traced, /such as POST api\.test\/traced; likely reason: its traceparent/);
  assert.match(bare, /such as GET api\.test\/things; likely reason: it had no trace headers/);
  const warned = log.lines.filter(({ level }) => level === 40).map(({ msg }) => msg);
  assert.deepEqual(warned, json.warnings);
  assert.doesNotMatch(JSON.stringify(log.lines), new RegExp(id));
});

test('the warnings name five requests at most', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session();
  decide(server, id, 'inbound');
  for (let n = 0; n < 300; n++) server.runtime.noteUncorrelated(requestOf({ path: `/${n}` }));
  const { json } = await server.call('POST', `/v1/sessions/${id}/close`);
  assert.equal(json.warnings.length, 1);
  assert.match(json.warnings[0], /while 300 outbound requests/);
  assert.equal(json.warnings[0].match(/GET api\.test\/\d+/g).length, 5);
});

for (const [what, directions, noted] of [
  ['saw outbound hops', ['inbound', 'outbound'], true],
  ['saw no inbound hop', [], true],
  ['had nothing go by', ['inbound'], false],
] as const) {
  test(`closing a session that ${what} warns of nothing`, async (t) => {
    const server = await startRuntime(t);
    server.runtime.noteUncorrelated(requestOf({ path: '/before' }));
    const id = await server.session();
    for (const direction of directions) decide(server, id, direction);
    if (noted) server.runtime.noteUncorrelated(requestOf());
    const { status, json } = await server.call('POST', `/v1/sessions/${id}/close`);
    assert.equal(status, 200);
    assert.ok(!('warnings' in json));
  });
}
