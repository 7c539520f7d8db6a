import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HopDescription } from '../../src/cases/index.ts';
import { hopFromDescription } from '../../src/runtime/described-hop.ts';
import { hopOf } from './support/exchange.ts';
import { startRuntime } from './support/runtime-server.ts';

const things = {
  id: 'things',
  consume: 'once',
  when: { direction: 'outbound', service: 'shop', method: 'GET', host: 'api.test', path: '/things' },
  then: { action: 'mock', response: { status: 201 } },
};
const other = { id: 'other', when: { path: '/other' }, then: { action: 'mock', response: {} } };
const get = { direction: 'outbound', method: 'GET', url: 'http://api.test/things' };

describe('POST /v1/sessions/{id}/explain', () => {
  test('tells the decision and each rule, the one that wins first', async (t) => {
    const { call, session } = await startRuntime(t, { serviceName: 'shop' });
    const id = await session({ mode: 'replay' });
    await call('POST', `/v1/sessions/${id}/rules`, { rules: [other, things] });
    const { status, json } = await call('POST', `/v1/sessions/${id}/explain`, get);
    assert.equal(status, 200);
    assert.deepEqual(Object.keys(json), ['sessionId', 'sessionRevision', 'decision', 'rules']);
    assert.equal(json.sessionId, id);
    assert.equal(json.sessionRevision, 1);
    assert.equal(json.decision.rule, 'things');
    assert.equal(json.decision.status, 201);
    assert.deepEqual(
      json.rules.map(({ rule, matches }: { rule: string; matches: boolean }) => [rule, matches]),
      [
        ['things', true],
        ['other', false],
      ],
    );
    const [path] = json.rules[1].predicates;
    assert.deepEqual([path.key, path.held, path.expected, path.actual], ['path', false, '/other', '/things']);
  });

  test('changes nothing: no counter, no revision, no rule that serves once', async (t) => {
    const { runtime, call, session } = await startRuntime(t, { serviceName: 'shop' });
    const id = await session({ mode: 'replay', policy: { externalHttp: 'strict' } });
    await call('POST', `/v1/sessions/${id}/rules`, { rules: [things] });
    const before = (await call('GET', `/v1/sessions/${id}/state`)).text;
    const metrics = (await call('GET', '/metrics')).text;
    for (const url of ['http://api.test/things', 'http://api.test/none']) {
      assert.equal((await call('POST', `/v1/sessions/${id}/explain`, { ...get, url })).status, 200);
    }
    assert.equal((await call('GET', `/v1/sessions/${id}/state`)).text, before);
    assert.equal((await call('GET', `/v1/sessions/${id}/misses`)).json.total, 0);
    assert.equal((await call('GET', '/metrics')).text, metrics);
    const ticket = runtime.findSession(id);
    assert.ok(ticket);
    assert.equal(runtime.decide(ticket, hopOf()).kind, 'respond');
  });

  test('says the same as the strict miss that the hop would get', async (t) => {
    const { runtime, call, session } = await startRuntime(t, { serviceName: 'shop' });
    const id = await session({ mode: 'replay', policy: { externalHttp: 'strict' } });
    await call('POST', `/v1/sessions/${id}/rules`, { rules: [things] });
    const url = 'http://api.test/thing';
    const { json } = await call('POST', `/v1/sessions/${id}/explain`, { ...get, url });
    assert.equal(json.decision.outcome, 'strict-miss');
    assert.equal(json.decision.status, 599);
    const ticket = runtime.findSession(id);
    assert.ok(ticket);
    const decision = runtime.decide(ticket, hopOf({ path: '/thing', body: new Uint8Array() }));
    assert.ok(decision.kind === 'respond');
    const failed = json.rules[0].predicates.filter(({ held }: { held: boolean }) => !held);
    assert.deepEqual(
      decision.nearMisses?.[0]?.failed.map(({ key }) => key),
      failed.map(({ key }: { key: string }) => key),
    );
  });

  const refusals: [what: string, body: unknown, pointer: string, message: RegExp][] = [
    ['without a URL', { direction: 'outbound', method: 'GET' }, '', /"url" is missing/],
    [
      'with a path for a URL',
      { ...get, url: '/things' },
      '/url',
      /absolute URL such as http.*got "\/things"/,
    ],
    ['with another scheme', { ...get, url: 'ftp://api.test/' }, '/url', /absolute URL/],
    ['without a host', { ...get, url: 'http:///things' }, '/url', /absolute URL/],
    ['with a direction that is none', { ...get, direction: 'out' }, '/direction', /inbound.*outbound/],
    ['with a misspelt key', { ...get, header: {} }, '/header', /did you mean "headers"/],
    ['with a header that is a number', { ...get, headers: { a: 1 } }, '/headers/a', /string or array/],
  ];
  for (const [what, body, pointer, message] of refusals) {
    test(`refuses a hop ${what} and says where`, async (t) => {
      const { call, session } = await startRuntime(t);
      const { status, json } = await call('POST', `/v1/sessions/${await session()}/explain`, body);
      assert.equal(status, 400);
      assert.equal(json.error.code, 'invalid_request');
      assert.equal(json.error.details[0].pointer, pointer);
      assert.match(json.error.details[0].message, message);
    });
  }

  test('needs a body, an open session and POST', async (t) => {
    const { call, session } = await startRuntime(t);
    assert.equal((await call('POST', `/v1/sessions/${await session()}/explain`)).status, 400);
    const unknown = await call('POST', '/v1/sessions/sess_none/explain', get);
    assert.equal(unknown.json.error.code, 'unknown_session');
    assert.equal((await call('GET', `/v1/sessions/${await session()}/explain`)).status, 405);
  });
});

describe('a hop that is described', () => {
  const described = (given: Partial<HopDescription> = {}) =>
    hopFromDescription(
      { direction: 'outbound', method: 'GET', url: 'http://api.test/things', ...given },
      { sessionId: 'sess_1', service: 'shop' },
    );
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';

  test('has the parts of its URL as they are written, and the Host that it names', () => {
    const hop = described({ method: 'put', url: 'https://user:pw@API.test:8443/a//%2F?x=1#part' });
    assert.deepEqual(
      { ...hop, body: undefined },
      {
        direction: 'outbound',
        sessionId: 'sess_1',
        service: 'shop',
        method: 'put',
        scheme: 'https',
        host: 'API.test:8443',
        path: '/a//%2F',
        query: 'x=1',
        headers: ['host', 'API.test:8443'],
        body: undefined,
      },
    );
    assert.deepEqual(described({ headers: { Host: 'given.test' } }).headers, ['host', 'given.test']);
  });

  test('has its header fields as lines, in octets, whatever their names are', () => {
    const headers = JSON.parse('{"X-A":["1","2"],"x-a":"3","__proto__":"p","x-l":"\u00e9","x-u":"\u20ac"}');
    assert.deepEqual(described({ headers }).headers, [
      ...['x-a', '1', 'x-a', '2', 'x-a', '3'],
      ...['__proto__', 'p'],
      ...['x-l', '\u00e9'],
      ...['x-u', '\u00e2\u0082\u00ac'],
      ...['host', 'api.test'],
    ]);
  });

  test('has the body that is given: text as it is, other values as JSON with that type', () => {
    const bodyOf = (body: unknown) => Buffer.from(described({ body }).body ?? '').toString();
    assert.equal(bodyOf(undefined), '');
    assert.equal(bodyOf('{"a": 1}'), '{"a": 1}');
    assert.equal(bodyOf({ a: 1 }), '{"a":1}');
    assert.equal(bodyOf(null), 'null');
    assert.ok(described({ body: {} }).headers.includes('application/json'));
    assert.ok(!described({ body: '{}' }).headers.includes('content-type'));
    const typed = described({ body: {}, headers: { 'Content-Type': 'application/vnd.a+json' } });
    assert.ok(!typed.headers.includes('application/json'));
  });

  test('belongs to the trace of a valid traceparent', () => {
    const traceOf = (traceparent: string | string[]) => described({ headers: { traceparent } }).traceId;
    assert.equal(traceOf(`00-${traceId}-00f067aa0ba902b7-01`), traceId);
    assert.equal(traceOf(`cc-${traceId}-00f067aa0ba902b7-01-more`), traceId);
    assert.equal(traceOf(`00-${traceId}-00f067aa0ba902b7-01-more`), undefined);
    assert.equal(traceOf(`ff-${traceId}-00f067aa0ba902b7-01`), undefined);
    assert.equal(traceOf(`00-${'0'.repeat(32)}-00f067aa0ba902b7-01`), undefined);
    assert.equal(traceOf(`00-${traceId}-${'0'.repeat(16)}-01`), undefined);
    assert.equal(traceOf(`00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`), undefined);
    assert.equal(
      traceOf([`00-${traceId}-00f067aa0ba902b7-01`, `00-${traceId}-00f067aa0ba902b7-01`]),
      undefined,
    );
    assert.equal(described().traceId, undefined);
  });
});
