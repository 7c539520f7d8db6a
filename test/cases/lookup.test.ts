import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import {
  type CaseDocument,
  CaseLookupError,
  type Exchange,
  findAllInCase,
  findInCase,
  parseCase,
  tracesFromExchange,
  type When,
} from '../../src/cases/index.ts';
import { exchangeWith, recordedBody, recordedResponse } from './support/exchange.ts';

const caseOf = (...exchanges: Exchange[]): CaseDocument => ({
  version: '1.0.0',
  caseId: 'shop',
  traces: exchanges.map((exchange) => tracesFromExchange(exchange)),
});

const shop = caseOf(
  exchangeWith({ hop: { direction: 'inbound', path: '/checkout', host: '127.0.0.1:8082' } }),
  exchangeWith({ hop: { path: '/items/7' } }),
  exchangeWith({ hop: { path: '/items/8', query: 'full=1' } }),
  exchangeWith({
    hop: {
      method: 'POST',
      path: '/charges',
      host: 'pay.example',
      headers: ['Content-Type', 'application/json'],
    },
    requestBody: recordedBody('{"amount":5}'),
    response: recordedResponse(
      ['X-A', '1', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
      Buffer.from([0xff, 0x00]),
      201,
    ),
  }),
  exchangeWith({
    hop: { path: '/down' },
    response: undefined,
    failure: { type: 'ECONNREFUSED', message: 'refused' },
  }),
);

function messageOf(predicate: When, find: typeof findInCase | typeof findAllInCase = findInCase): string[] {
  try {
    find(shop, predicate);
  } catch (error) {
    assert.ok(error instanceof CaseLookupError, String(error));
    return error.message.split('\n');
  }
  return assert.fail('found one');
}

describe('findInCase', () => {
  test('gives exchange, span and response of the one hop that matches', () => {
    const { exchange, span, response } = findInCase(shop, { host: 'pay.example', method: 'post' });
    assert.equal(exchange.hop.path, '/charges');
    assert.equal(span, shop.traces[3]?.resourceSpans[0]?.scopeSpans?.[0]?.spans?.[0]);
    assert.deepEqual(response, {
      status: 201,
      headers: { 'x-a': '1', 'set-cookie': ['a=1', 'b=2'] },
      body: '/wA=',
      bodyEncoding: 'base64',
    });
  });

  test('looks into request bodies', () => {
    assert.equal(findInCase(shop, { bodyJsonPathEquals: { '$.amount': 5 } }).response.status, 201);
  });

  test('a hop that failed has status 0 and says why in its exchange', () => {
    const { exchange, response } = findInCase(shop, { path: '/down' });
    assert.deepEqual(response, { status: 0, headers: {}, body: '' });
    assert.equal(exchange.failure?.type, 'ECONNREFUSED');
  });

  test('several matches are listed, with what would tell them apart', () => {
    assert.deepEqual(messageOf({ direction: 'outbound', pathPrefix: '/items' }), [
      '2 hops of the case "shop" match {"direction":"outbound","pathPrefix":"/items"}, expected one:',
      '  outbound GET http://stock.example:8090/items/7 -> 200',
      '  outbound GET http://stock.example:8090/items/8?full=1 -> 200',
      'add to the predicate what tells them apart: path, query; or use findAllInCase',
    ]);
  });

  test('hops that do not differ in their URL need another predicate', () => {
    const twice = caseOf(exchangeWith(), exchangeWith());
    assert.throws(() => findInCase(twice, {}), /differ in neither .*: add headers or bodyJsonPathEquals/);
  });

  test('at most twenty candidates are listed', () => {
    const many = caseOf(...Array.from({ length: 25 }, (_, i) => exchangeWith({ hop: { path: `/${i}` } })));
    assert.throws(
      () => findInCase(many, {}),
      (error) => {
        assert.ok(error instanceof CaseLookupError);
        assert.equal(error.matches.length, 25);
        const lines = error.message.split('\n');
        assert.equal(lines.filter((line) => line.startsWith('  outbound')).length, 20);
        assert.ok(lines.includes('  … and 5 more'));
        return true;
      },
    );
  });
});

describe('no match', () => {
  for (const find of [findInCase, findAllInCase]) {
    test(`${find.name} lists the hops of the case and the key that none satisfies`, () => {
      assert.deepEqual(messageOf({ direction: 'outbound', host: 'stock.exmaple' }, find), [
        'no hop of the case "shop" matches {"direction":"outbound","host":"stock.exmaple"}',
        'its hops are:',
        '  inbound GET http://127.0.0.1:8082/checkout -> 200',
        '  outbound GET http://stock.example:8090/items/7 -> 200',
        '  outbound GET http://stock.example:8090/items/8?full=1 -> 200',
        '  outbound POST http://pay.example/charges -> 201',
        '  outbound GET http://stock.example:8090/down -> ECONNREFUSED',
        'no hop has host "stock.exmaple": change or remove it',
      ]);
    });
  }

  test('each key may hold alone', () => {
    assert.equal(
      messageOf({ direction: 'inbound', method: 'POST' }).at(-1),
      'each key of the predicate holds for some hop, but no hop satisfies all: remove one',
    );
  });

  test('an empty case says so', () => {
    assert.throws(() => findInCase(caseOf(), { path: '/' }), /the case has no hops$/);
  });
});

describe('findAllInCase', () => {
  test('gives all matches in the order of the recording', () => {
    const paths = findAllInCase(shop, { direction: 'outbound' }).map(({ exchange }) => exchange.hop.path);
    assert.deepEqual(paths, ['/items/7', '/items/8', '/charges', '/down']);
  });

  test('leaves out lookups that a proxy made', () => {
    const traces = tracesFromExchange(exchangeWith());
    const [type] = traces.resourceSpans[0]?.scopeSpans?.[0]?.spans?.[0]?.attributes ?? [];
    assert.equal(type?.key, 'sp.span.type');
    Object.assign(type, { value: { stringValue: 'inject' } });
    assert.throws(() => findAllInCase({ ...shop, traces: [traces] }, {}), CaseLookupError);
  });

  test('finds hops in a file of another tool', () => {
    const golden = new URL('../golden/cases/foreign.case.json', import.meta.url);
    const [hit, ...more] = findAllInCase(parseCase(readFileSync(golden, 'utf8')), {
      host: 'pay.example',
      path: '/v1/charges?expand=1',
      service: 'checkout',
      traceTags: { 'http.status_code': 402 },
    });
    assert.equal(more.length, 0);
    assert.equal(hit?.response.status, 402);
    assert.equal(hit?.response.body, '{"error":"card_declined"}');
    assert.deepEqual(hit?.span.vendorSpanField, { kept: true });
  });
});

describe('a bad predicate', () => {
  test('with an unknown key is an error that names the nearest known one', () => {
    assert.throws(() => findInCase(shop, { hots: 'a' } as When), {
      name: 'InvalidDocumentError',
      message: /\/when\/hots unknown key "hots" \(did you mean "host"\?\)/,
    });
  });

  test('with a bad pattern is an error that names it', () => {
    assert.throws(() => findInCase(shop, { headerMatch: { 'x-a': '(' } }), /\(/);
    assert.throws(() => findInCase(shop, { bodyJsonPath: 'amount' }), /"amount"/);
  });
});
