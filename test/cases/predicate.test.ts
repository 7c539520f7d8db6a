import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { Hop, When } from '../../src/cases/index.ts';
import { compileWhen, InvalidWhenError, type Predicate } from '../../src/cases/predicate.ts';
import { exampleHop } from '../support/example-hop.ts';

const charge = exampleHop({ body: '{"amount": 100, "items": [{"sku": "a"}, {"sku": "b"}], "note": null}' });
const coded = (bytes: Uint8Array, coding: string): Hop =>
  exampleHop({ body: bytes, headers: ['content-encoding', coding] });

/** Each predicate with what it must match and what it must not, near the border on both sides. */
const rows: [when: When, hop: Hop, matches: boolean][] = [
  [{}, charge, true],
  [{ direction: 'outbound' }, charge, true],
  [{ direction: 'inbound' }, charge, false],
  [{ service: 'shop' }, charge, true],
  [{ service: 'Shop' }, charge, false],
  [{ host: 'API.example.com' }, charge, true],
  [{ host: 'example.com' }, charge, false],
  [{ hostSuffix: 'example.com' }, charge, true],
  [{ hostSuffix: 'ample.com' }, charge, false],
  [{ notHostSuffix: ['stripe.com', 'example.org'] }, charge, true],
  [{ notHostSuffix: ['stripe.com', 'example.com'] }, charge, false],
  [{ notHostSuffix: [] }, charge, true],
  [{ method: 'post' }, charge, true],
  [{ method: 'PUT' }, charge, false],
  [{ method: 'purge' }, exampleHop({ method: 'PURGE' }), true],
  [{ path: '/v1/charges' }, charge, true],
  [{ path: '/v1/charges/' }, charge, false],
  [{ path: '/v1/charge' }, charge, false],
  [{ path: '/V1/charges' }, charge, false],
  [{ path: '/v1/charges?expand=customer&limit=10' }, charge, true],
  [{ path: '/v1/charges?expand=customer' }, charge, false],
  [{ path: '/v1/charges?' }, exampleHop({ query: '' }), true],
  [{ path: '/v1/charges?' }, exampleHop({ query: undefined }), false],
  [{ path: '/v1/charges' }, exampleHop({ query: undefined }), true],
  [{ path: '/a%2Fb' }, exampleHop({ path: '/a/b' }), false],
  [{ pathPrefix: '/v1' }, charge, true],
  [{ pathPrefix: '/v1/charges' }, charge, true],
  [{ pathPrefix: '/v1/charges/' }, charge, false],
  [{ pathPrefix: '/v1/charges?expand=' }, charge, true],
  [{ pathPrefix: '/v1/charges?limit' }, charge, false],
  [{ pathPrefix: '/v1/?expand' }, charge, false],
  [{ pathPattern: '/users/{id}/orders' }, exampleHop({ path: '/users/42/orders' }), true],
  [{ pathPattern: '/users/{id}/orders' }, exampleHop({ path: '/users//orders' }), false],
  [{ pathPattern: '/users/{id}/orders' }, exampleHop({ path: '/users/42/7/orders' }), false],
  [{ pathPattern: '/users/{id}/orders' }, exampleHop({ path: '/users/42/orders/' }), false],
  [{ pathPattern: '/users/{id}/orders' }, exampleHop({ path: '/users/42/order' }), false],
  [{ pathPattern: '/users/{id}/orders' }, exampleHop({ path: '/users/42' }), false],
  [{ pathPattern: '/users/{id}' }, exampleHop({ path: '/users/' }), false],
  [{ pathPattern: '/users/{id}/' }, exampleHop({ path: '/users/42/' }), true],
  [{ pathPattern: '/' }, exampleHop({ path: '/' }), true],
  [{ pathPattern: '/' }, exampleHop({ path: '/a' }), false],
  [{ query: { limit: '10' } }, charge, true],
  [{ query: { limit: '1' } }, charge, false],
  [{ query: { page: '1' } }, charge, false],
  [{ query: { q: 'a b/ü' } }, exampleHop({ query: 'q=a+b%2F%C3%BC' }), true],
  [{ query: { tag: ['x', 'y'] } }, exampleHop({ query: 'tag=y&tag=z&tag=x' }), true],
  [{ query: { tag: ['x', 'y'] } }, exampleHop({ query: 'tag=x' }), false],
  [{ query: { flag: '' } }, exampleHop({ query: 'flag' }), true],
  [{ query: { a: '1' } }, exampleHop({ query: undefined }), false],
  [{ query: { a: '%zz' } }, exampleHop({ query: 'a=%zz' }), true],
  [{ query: null }, exampleHop({ query: undefined }), true],
  [{ query: null }, exampleHop({ query: '' }), false],
  [{ query: null }, charge, false],
  [{ headers: { 'x-tenant': 'blue' } }, charge, true],
  [{ headers: { 'X-TENANT': 'blue' } }, charge, true],
  [{ headers: { 'x-tenant': 'Blue' } }, charge, false],
  [{ headers: { 'x-tenant': 'blu' } }, charge, false],
  [{ headers: { 'x-tenan': 'blue' } }, charge, false],
  [{ headers: { 'x-tag': 'b' } }, charge, true],
  [{ headers: { 'x-tag': ['b', 'a'] } }, charge, true],
  [{ headers: { 'x-tag': ['a', 'c'] } }, charge, false],
  [{ headers: { 'x-tag': [] } }, charge, true],
  [{ headers: { 'x-none': [] } }, charge, false],
  [JSON.parse('{"headers": {"__proto__": "x"}}'), charge, false],
  [{ headerMatch: { 'x-tenant': '^b.*e$' } }, charge, true],
  [{ headerMatch: { 'X-Tenant': 'lu' } }, charge, true],
  [{ headerMatch: { 'x-tenant': '^l' } }, charge, false],
  [{ headerMatch: { 'x-tag': '^b$' } }, charge, true],
  [{ headerMatch: { 'x-none': '.*' } }, charge, false],
  [
    { headerMatch: { 'x-tenant': '(a+)+$' } },
    exampleHop({ headers: ['x-tenant', `${'a'.repeat(30_000)}!`] }),
    false,
  ],
  [{ bodyJsonPath: '$.amount' }, charge, true],
  [{ bodyJsonPath: '$.note' }, charge, true],
  [{ bodyJsonPath: '$.items[?@.sku == "b"]' }, charge, true],
  [{ bodyJsonPath: '$.items[?@.sku == "c"]' }, charge, false],
  [{ bodyJsonPath: '$' }, exampleHop({ body: '' }), false],
  [{ bodyJsonPath: '$' }, exampleHop({ body: 'not json' }), false],
  [{ bodyJsonPath: '$' }, exampleHop({ body: '\ufeff{}' }), true],
  [{ bodyJsonPath: '$' }, exampleHop({ body: Buffer.from([0x22, 0xff, 0x22]) }), false],
  [{ bodyJsonPath: '$' }, exampleHop({ body: null }), false],
  [{ bodyJsonPath: '$' }, exampleHop(), false],
  [{ bodyJsonPath: '$.a' }, coded(gzipSync('{"a":1}'), 'gzip'), true],
  [{ bodyJsonPath: '$.a' }, coded(brotliCompressSync('{"a":1}'), 'br'), true],
  [{ bodyJsonPath: '$.a' }, coded(gzipSync('{"a":1}').subarray(0, 12), 'gzip'), false],
  [{ bodyJsonPath: '$.a' }, coded(Buffer.from('{"a":1}'), 'gzip'), true],
  [{ bodyJsonPath: '$.a' }, coded(Buffer.from('{"a":1}'), 'unheard-of'), true],
  [{ bodyJsonPath: '$.a' }, coded(gzipSync(`{"a":"${'x'.repeat(20_000_000)}"}`), 'gzip'), false],
  [{ bodyJsonPathEquals: { '$.amount': 100 } }, charge, true],
  [{ bodyJsonPathEquals: { '$.amount': '100' } }, charge, false],
  [{ bodyJsonPathEquals: { '$.amount': 100, '$.note': null } }, charge, true],
  [{ bodyJsonPathEquals: { '$.amount': 100, '$.note': 0 } }, charge, false],
  [{ bodyJsonPathEquals: { '$.items[*].sku': 'b' } }, charge, true],
  [{ bodyJsonPathEquals: { '$.items': [{ sku: 'a' }, { sku: 'b' }] } }, charge, true],
  [{ bodyJsonPathEquals: { '$.items': [{ sku: 'b' }, { sku: 'a' }] } }, charge, false],
  [{ bodyJsonPathEquals: { '$.none': null } }, charge, false],
  [{ bodyJsonPathEquals: { $: { b: 2, a: 1 } } }, exampleHop({ body: '{"a":1,"b":2}' }), true],
  [JSON.parse('{"bodyJsonPathEquals": {"$": {"__proto__": {}}}}'), exampleHop({ body: '{"x":{}}' }), false],
  [
    JSON.parse('{"bodyJsonPathEquals": {"$": {"__proto__": {}}}}'),
    exampleHop({ body: '{"__proto__":{}}' }),
    true,
  ],
  [{ bodyJsonPathEquals: { $: { x: {} } } }, exampleHop({ body: '{"__proto__":{}}' }), false],
  [{ bodyJsonPathEquals: { $: {} } }, exampleHop({ body: '{"__proto__":{}}' }), false],
  [
    { bodyJsonPath: '$..[?count($..*) == 0]' },
    exampleHop({ body: JSON.stringify(Array(5000).fill({ a: [1] })) }),
    false,
  ],
  [{ bodyJsonPath: '$..none' }, exampleHop({ body: '['.repeat(100_000) + ']'.repeat(100_000) }), false],
  [{ traceTags: { 'http.request.method': 'POST', 'url.host': 'api.example.com' } }, charge, true],
  [{ traceTags: { 'http.request.method': 'post' } }, charge, false],
  [
    {
      traceTagEquals: {
        'sp.service.name': 'shop',
        'sp.traffic.direction': 'outbound',
        'sp.session.id': 'sess_example',
      },
    },
    charge,
    true,
  ],
  [
    { traceTags: { 'url.full': 'https://api.example.com/v1/charges?expand=customer&limit=10' } },
    charge,
    true,
  ],
  [
    {
      traceTags: {
        'url.path': '/v1/charges',
        'url.scheme': 'https',
        'url.query': 'expand=customer&limit=10',
      },
    },
    charge,
    true,
  ],
  [{ traceTags: { 'http.request.header.x-tenant': 'blue' } }, charge, true],
  [{ traceTags: { 'http.request.header.x-tag': 'b' } }, charge, true],
  [{ traceTags: { 'http.request.header.x-tag': ['a', 'b'] } }, charge, true],
  [{ traceTags: { 'http.request.header.x-tag': ['b', 'a'] } }, charge, false],
  [{ traceTags: { 'http.request.body': '{"a":1}' } }, exampleHop({ body: '{"a":1}' }), true],
  [{ traceTags: { 'http.request.body.size': 7 } }, exampleHop({ body: '{"a":1}' }), true],
  [{ traceTags: { 'user.tier': 'gold' } }, charge, false],
  [
    { traceTags: { 'user.tier': 'gold', 'retry.count': 2 } },
    exampleHop({
      attributes: new Map<string, unknown>([
        ['user.tier', 'gold'],
        ['retry.count', 2n],
      ]),
    }),
    true,
  ],
  [{ traceTags: { 'retry.count': '2' } }, exampleHop({ attributes: new Map([['retry.count', 2]]) }), false],
  [
    { traceTags: { 'http.request.method': 'GET' } },
    exampleHop({ attributes: new Map([['http.request.method', 'GET']]) }),
    true,
  ],
  [
    { traceTags: { constructor: 'x', toString: 'y' } as unknown as NonNullable<When['traceTags']> },
    charge,
    false,
  ],
  [
    { method: 'POST', path: '/v1/charges', headers: { 'x-tenant': 'blue' }, bodyJsonPath: '$.amount' },
    charge,
    true,
  ],
  [
    { method: 'POST', path: '/v1/charges', headers: { 'x-tenant': 'red' }, bodyJsonPath: '$.amount' },
    charge,
    false,
  ],
];

/** It says no; one that gives up on the hop says nothing. */
function fails(predicate: Predicate, hop: Hop): boolean {
  try {
    return !predicate.matches(hop);
  } catch {
    return false;
  }
}

describe('compileWhen', () => {
  for (const [index, [when, hop, matches]] of rows.entries()) {
    const text = JSON.stringify(when).slice(0, 90);
    it(`row ${index}: ${text} ${matches ? 'matches' : 'does not match'}`, () => {
      assert.equal(compileWhen(when).matches(hop), matches);
    });
  }

  it('asks cheap predicates first and the body last', () => {
    const { predicates, readsBody } = compileWhen({
      bodyJsonPath: '$.a',
      traceTags: { 'http.request.body': 'x' },
      headerMatch: { a: 'b' },
      method: 'GET',
    });
    assert.deepEqual(
      predicates.map(({ key }) => key),
      ['method', 'headerMatch', 'bodyJsonPath', 'traceTags'],
    );
    assert.equal(readsBody, true);
    assert.equal(compileWhen({ traceTags: { 'url.path': '/' } }).readsBody, false);
  });

  it('tells what was expected and what the hop has, for each predicate', () => {
    const { predicates } = compileWhen({
      method: 'GET',
      headers: { 'x-tag': 'c' },
      query: { limit: '5' },
      bodyJsonPathEquals: { '$.items[*].sku': 'c' },
    });
    const found = predicates.map((predicate) => [
      predicate.pointer,
      predicate.expected,
      predicate.actual(charge),
    ]);
    assert.deepEqual(found, [
      ['/method', 'GET', 'POST'],
      ['/headers/x-tag', 'c', ['a', 'b']],
      ['/query/limit', '5', '10'],
      ['/bodyJsonPathEquals/$.items[*].sku', 'c', ['a', 'b']],
    ]);
  });

  it('calls no hop that fails a predicate the same as one that does not', () => {
    const failing = rows.flatMap(([when, hop]) =>
      compileWhen(when)
        .predicates.filter((predicate) => fails(predicate, hop))
        .map((predicate) => ({ key: predicate.key, nearness: predicate.nearness?.(hop) ?? 0 })),
    );
    assert.ok(failing.length > 30);
    for (const { key, nearness } of failing) {
      assert.ok(nearness >= 0 && nearness < 1, `${key}: ${nearness}`);
    }
  });

  it('finds a path nearer the more of it is right', () => {
    const nearness = (when: When) => compileWhen(when).predicates[0]?.nearness?.(charge) ?? 0;
    for (const [nearer, farther] of [
      [{ path: '/v1/charge' }, { path: '/v1/refunds' }],
      [{ path: '/v1/charges?limit=10' }, { path: '/orders?limit=10' }],
      [{ pathPrefix: '/v1/charged' }, { pathPrefix: '/v2/refunds' }],
      [{ pathPattern: '/v1/{a}/{b}' }, { pathPattern: '/v2/x/{b}' }],
      [{ host: 'api.example.com:1' }, { host: 'api.example.org' }],
      [{ host: 'api.example.org' }, { host: 'stripe.com' }],
    ] satisfies [When, When][]) {
      assert.ok(nearness(nearer) > nearness(farther), JSON.stringify([nearer, farther]));
    }
  });

  it('names every mistake with a pointer into the when', () => {
    const when = {
      host: 'https://x',
      headerMatch: { 'x/a': '(', ok: 'a' },
      bodyJsonPath: 'amount',
      bodyJsonPathEquals: { '$[': 1 },
      pathPattern: '/a/{b}.json',
      metod: 'GET',
    } as unknown as When;
    assert.throws(
      () => compileWhen(when),
      (error) => {
        assert.ok(error instanceof InvalidWhenError);
        assert.deepEqual(error.issues.map(({ pointer }) => pointer).sort(), [
          '/bodyJsonPath',
          '/bodyJsonPathEquals/$[',
          '/headerMatch/x~1a',
          '/host',
          '/metod',
          '/pathPattern',
        ]);
        return true;
      },
    );
  });
});
