import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hopOf } from './support/exchange.ts';
import { type Reply, type RuntimeServer, startRuntime } from './support/runtime-server.ts';

function assertError(reply: Reply, status: number, code: string, message?: RegExp): void {
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.json.error.code, code);
  assert.equal(typeof reply.json.error.message, 'string');
  if (message !== undefined) assert.match(reply.json.error.message, message);
}

async function revisionOf(server: RuntimeServer, id: string): Promise<number> {
  return (await server.call('GET', `/v1/sessions/${id}/stats`)).json.sessionRevision;
}

const mockRule = {
  id: 'things',
  when: { path: '/things' },
  then: { action: 'mock', response: { body: 'mocked' } },
};
const caseDocument = {
  version: '1.0.0',
  caseId: 'checkout',
  traces: [{ resourceSpans: [] }, { resourceSpans: [] }],
  rules: [mockRule],
};

test('health and meta tell the versions', async (t) => {
  const { call } = await startRuntime(t);
  const health = await call('GET', '/health');
  assert.deepEqual(health.json, { status: 'ok', specVersion: 'http-control-api@v1', schemaVersion: '1' });
  assert.equal(health.headers.get('content-type'), 'application/json');
  assert.equal(health.headers.get('cache-control'), 'no-store');
  assert.equal(health.headers.get('content-length'), String(Buffer.byteLength(health.text)));
  assert.deepEqual((await call('GET', '/v1/meta')).json, {
    runtimeVersion: '9.9.9',
    specVersion: 'http-control-api@v1',
    schemaVersion: '1',
  });
});

test('a new session has revision 0 and is in the list until it is closed', async (t) => {
  const { call } = await startRuntime(t);
  const created = await call('POST', '/v1/sessions', { mode: 'replay' });
  assert.equal(created.status, 200);
  const { sessionId, createdAt, ...rest } = created.json;
  assert.match(sessionId, /^sess_/);
  assert.equal(new Date(createdAt).toISOString(), createdAt);
  assert.deepEqual(rest, { sessionRevision: 0, mode: 'replay' });
  const listed = await call('GET', '/v1/sessions');
  assert.deepEqual(listed.json, { sessions: [{ sessionId, mode: 'replay', sessionRevision: 0 }] });
  await call('POST', `/v1/sessions/${sessionId}/close`);
  assert.deepEqual((await call('GET', '/v1/sessions')).json, { sessions: [] });
});

test('each change adds exactly one to the revision and a failed one adds nothing', async (t) => {
  const server = await startRuntime(t);
  const { call } = server;
  const id = await server.session({ mode: 'replay', policy: { externalHttp: 'strict' } });
  const changes: [path: string, good: object, bad: unknown, answer: object][] = [
    [
      'rules',
      { version: 1, rules: [mockRule] },
      { rules: [{ ...mockRule, when: { headerMatch: { a: '(' } } }] },
      { ruleCount: 1 },
    ],
    ['load-case', caseDocument, { ...caseDocument, traces: {} }, { caseId: 'checkout', traceCount: 2 }],
    ['policy', { externalHttp: 'allow' }, { externalHttp: 'maybe' }, {}],
    ['fixtures/auth', { tokens: { admin: 's3cret' } }, { token: {} }, {}],
  ];
  let revision = 0;
  for (const [path, good, bad, answer] of changes) {
    const reply = await call('POST', `/v1/sessions/${id}/${path}`, good);
    assert.equal(reply.status, 200, reply.text);
    assert.deepEqual(reply.json, { sessionId: id, sessionRevision: ++revision, ...answer });
    const before = (await call('GET', `/v1/sessions/${id}/state`)).text;
    assertError(await call('POST', `/v1/sessions/${id}/${path}`, bad), 400, 'invalid_request');
    assertError(await call('POST', `/v1/sessions/${id}/${path}`, '{"broken'), 400, 'invalid_request');
    assertError(await call('POST', `/v1/sessions/${id}/${path}`), 400, 'invalid_request', /empty body/);
    assert.equal((await call('GET', `/v1/sessions/${id}/state`)).text, before, path);
  }
  assert.equal(await revisionOf(server, id), revision);
});

test('a change is seen by the very next hop', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session({ mode: 'replay' });
  const ticket = server.runtime.findSession(id);
  assert.ok(ticket);
  assert.equal(server.runtime.decide(ticket, hopOf()).kind, 'forward');
  await server.call('POST', `/v1/sessions/${id}/rules`, { rules: [mockRule] });
  assert.equal(server.runtime.decide(ticket, hopOf()).kind, 'respond');
  await server.call('POST', `/v1/sessions/${id}/rules`, { rules: [] });
  assert.equal(server.runtime.decide(ticket, hopOf()).kind, 'forward');
  await server.call('POST', `/v1/sessions/${id}/load-case`, caseDocument);
  assert.equal(server.runtime.decide(ticket, hopOf()).kind, 'respond');
});

test('a mistake in a rule is shown by a pointer, and an unknown key with the nearest known one', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session();
  const typo = await server.call('POST', `/v1/sessions/${id}/rules`, {
    rules: [{ ...mockRule, priorty: 1 }],
  });
  assertError(typo, 400, 'invalid_request');
  assert.equal(typo.json.error.details[0].pointer, '/rules/0/priorty');
  assert.match(typo.json.error.details[0].message, /did you mean "priority"/);
  const pattern = await server.call('POST', `/v1/sessions/${id}/rules`, {
    rules: [mockRule, { ...mockRule, when: { headerMatch: { 'x-a': '(' } } }],
  });
  assertError(pattern, 400, 'invalid_request');
  assert.equal(pattern.json.error.details[0].pointer, '/rules/1/when/headerMatch/x-a');
});

test('a policy that cannot work is refused also when it comes with the session', async (t) => {
  const { call } = await startRuntime(t);
  const reply = await call('POST', '/v1/sessions', { mode: 'replay', policy: { defaultOnMiss: 'mock' } });
  assertError(reply, 400, 'invalid_request');
  assert.match(reply.json.error.details[0].pointer, /^\/policy/);
  assert.deepEqual((await call('GET', '/v1/sessions')).json.sessions, []);
});

test('deprecated rules are taken with a warning', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session();
  const reply = await server.call('POST', `/v1/sessions/${id}/rules`, {
    rules: [{ when: {}, then: { action: 'replay' } }],
  });
  assert.equal(reply.status, 200);
  assert.equal(reply.json.warnings.length, 1);
});

test('stats count answers, strict misses and recorded exchanges', async (t) => {
  const server = await startRuntime(t);
  const { runtime } = server;
  const id = await server.session({ mode: 'replay', policy: { externalHttp: 'strict' } });
  await server.call('POST', `/v1/sessions/${id}/rules`, { rules: [mockRule] });
  const ticket = runtime.findSession(id);
  assert.ok(ticket);
  runtime.decide(ticket, hopOf());
  const missed = hopOf({ method: 'POST', path: '/charge', query: 'a=1', body: Buffer.from('{}') });
  const decision = runtime.decide(ticket, missed);
  const { stats, ...rest } = (await server.call('GET', `/v1/sessions/${id}/stats`)).json;
  assert.deepEqual(rest, { sessionId: id, sessionRevision: 1, mode: 'replay' });
  const { lastStrictMiss, ...counts } = stats;
  assert.deepEqual(counts, {
    injectedSpans: 1,
    extractedSpans: 0,
    strictMisses: 1,
    forwardedOutbound: 0,
    attribution: {},
  });
  assert.equal(lastStrictMiss.method, 'POST');
  assert.equal(lastStrictMiss.url, 'http://api.test/charge?a=1');
  assert.equal(new Date(lastStrictMiss.time).toISOString(), lastStrictMiss.time);
  assert.ok(decision.kind === 'respond');
  const shown = JSON.parse(Buffer.from(decision.response.body).toString());
  assert.equal(lastStrictMiss.fingerprint, shown.requestFingerprint);
});

test('state shows policy, rules and the case, and no value of a fixture', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session({ mode: 'replay', caseId: 'named' });
  const bare = (await server.call('GET', `/v1/sessions/${id}/state`)).json;
  assert.deepEqual(bare.caseSummary, { caseId: 'named', traceCount: 0 });
  assert.ok(!('policy' in bare) && !('rules' in bare) && !('fixtures' in bare));
  await server.call('POST', `/v1/sessions/${id}/policy`, { externalHttp: 'strict' });
  await server.call('POST', `/v1/sessions/${id}/rules`, { rules: [mockRule] });
  await server.call('POST', `/v1/sessions/${id}/load-case`, caseDocument);
  const fixtures =
    '{"tokens":{"admin":"s3cret-1","__proto__":{"x":"s3cret-2"}},"cookies":[{"name":"sid","value":"s3cret-3"}]}';
  await server.call('POST', `/v1/sessions/${id}/fixtures/auth`, fixtures);
  const state = await server.call('GET', `/v1/sessions/${id}/state`);
  assert.deepEqual(state.json.policy, { externalHttp: 'strict' });
  assert.deepEqual(state.json.rules, [mockRule]);
  assert.deepEqual(state.json.caseSummary, { caseId: 'checkout', traceCount: 2 });
  assert.doesNotMatch(state.text, /s3cret/);
  assert.deepEqual(Object.keys(state.json.fixtures.tokens), ['admin', '__proto__']);
  assert.equal(({} as Record<string, unknown>).x, undefined);
});

const invalidSessions: [body: unknown, message: RegExp][] = [
  [{}, /"mode" is missing/],
  [{ mode: 'record' }, /expected one of "capture", "replay", "generate"/],
  [{ mode: 'capture', polcy: {} }, /did you mean "policy"/],
  [{ mode: 'capture', ttlSeconds: '60' }, /expected number/],
  [{ mode: 'capture', ttlSeconds: -1 }, /ttlSeconds/],
  [[], /expected object/],
  ['null', /expected object, got null/],
  ['"capture"', /expected object/],
  ['{"mode":"capture",}', /line 1, column 19/],
  ['{\n  "mode": capture\n}', /line 2, column 11/],
  ['{"mode":"capture"', /the end of the text/],
  [new Uint8Array([0x7b, 0xff, 0x7d]), /not UTF-8/],
  ['['.repeat(100_000), /nested deeper/],
  [`{"mode":"capture","policy":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`, /nested deeper/],
];
for (const [body, message] of invalidSessions) {
  const shown = (typeof body === 'string' ? body : JSON.stringify(body)).slice(0, 40);
  test(`refuses to create a session from ${JSON.stringify(shown)}`, async (t) => {
    const { call } = await startRuntime(t);
    assertError(await call('POST', '/v1/sessions', body), 400, 'invalid_request', message);
    assert.deepEqual((await call('GET', '/v1/sessions')).json, { sessions: [] });
  });
}

test('a byte order mark before the JSON is ignored', async (t) => {
  const { call } = await startRuntime(t);
  assert.equal((await call('POST', '/v1/sessions', '\uFEFF{"mode":"capture"}')).status, 200);
});

test('unknown sessions are 404 on every call, and the id is not repeated in full', async (t) => {
  const { call } = await startRuntime(t);
  const id = 'sess_someone-elses-secret';
  for (const path of ['load-case', 'rules', 'policy', 'fixtures/auth', 'close']) {
    const reply = await call('POST', `/v1/sessions/${id}/${path}`, '{broken');
    assertError(reply, 404, 'unknown_session');
    assert.doesNotMatch(reply.text, /someone/);
  }
  for (const path of [`sessions/${id}/stats`, `sessions/${id}/state`, `captures/${id}`]) {
    assertError(await call('GET', `/v1/${path}`), 404, 'unknown_session');
  }
});

test('an id is one path segment, decoded once and never taken for a path', async (t) => {
  const { call } = await startRuntime(t);
  for (const id of ['..%2f..%2fetc%2fpasswd', '%2e%2e', '__proto__', 'constructor', '%00', '%F0%9F%A6%8A']) {
    assertError(await call('GET', `/v1/sessions/${id}x/stats`), 404, 'unknown_session');
    assertError(await call('GET', `/v1/captures/${id}x`), 404, 'unknown_session');
  }
  assertError(await call('GET', '/v1/sessions/%zz/stats'), 400, 'invalid_request', /percent-encoding/);
});

test('other paths are 404 and other methods 405 with what is allowed', async (t) => {
  const { call } = await startRuntime(t);
  for (const path of [
    '/',
    '/v2/sessions',
    '/v1',
    '/v1/sessions/',
    '/v1/sessions//stats',
    '/V1/meta',
    '/health/',
  ]) {
    assertError(await call('GET', path), 404, 'not_found');
  }
  const reply = await call('DELETE', '/v1/sessions');
  assertError(reply, 405, 'method_not_allowed');
  assert.deepEqual(reply.headers.get('allow')?.split(', ').sort(), ['GET', 'HEAD', 'OPTIONS', 'POST']);
  assertError(await call('GET', '/v1/sessions/x/close'), 405, 'method_not_allowed');
  assertError(await call('POST', '/health'), 405, 'method_not_allowed');
});

test('HEAD answers as GET without the body, and OPTIONS names the methods', async (t) => {
  const { call } = await startRuntime(t);
  const head = await call('HEAD', '/health');
  assert.equal(head.status, 200);
  assert.equal(head.text, '');
  assert.equal(
    head.headers.get('content-length'),
    (await call('GET', '/health')).headers.get('content-length'),
  );
  const options = await call('OPTIONS', '/health');
  assert.equal(options.status, 204);
  assert.equal(options.headers.get('allow'), 'GET, HEAD, OPTIONS');
});

test('more sessions than allowed are refused, and room is made by a close', async (t) => {
  const server = await startRuntime(t, { maxSessions: 2 });
  const id = await server.session();
  await server.session();
  assertError(await server.call('POST', '/v1/sessions', { mode: 'capture' }), 429, 'too_many_sessions');
  await server.call('POST', `/v1/sessions/${id}/close`);
  await server.session();
});

test('a hundred sessions at once keep their rules, revisions and counts apart', async (t) => {
  const server = await startRuntime(t);
  const { runtime, call } = server;
  const work = Array.from({ length: 100 }, async (_, n) => {
    const id = await server.session({ mode: n % 2 === 0 ? 'capture' : 'replay', caseId: `case-${n}` });
    for (let change = 0; change < n % 5; change++) await call('POST', `/v1/sessions/${id}/policy`, {});
    const rule = { when: { path: '/things' }, then: { action: 'mock', response: { body: `answer ${n}` } } };
    await call('POST', `/v1/sessions/${id}/rules`, { rules: [rule] });
    const ticket = runtime.findSession(id);
    assert.ok(ticket);
    for (let hop = 0; hop <= n % 3; hop++) {
      const decision = runtime.decide(ticket, hopOf());
      assert.ok(decision.kind === 'respond');
      assert.equal(Buffer.from(decision.response.body).toString(), `answer ${n}`);
    }
    const closed = await call('POST', `/v1/sessions/${id}/close`);
    assert.equal(closed.json.stats.injectedSpans, (n % 3) + 1);
    assert.equal('capturePath' in closed.json, n % 2 === 0);
  });
  await Promise.all(work);
  assert.deepEqual((await call('GET', '/v1/sessions')).json, { sessions: [] });
});
