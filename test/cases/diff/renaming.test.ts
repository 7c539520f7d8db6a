import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { diffCases } from '../../../src/cases/diff/case-diff.ts';
import { Renaming } from '../../../src/cases/diff/renaming.ts';
import { compileJsonPath, type Exchange, tracesFromExchange } from '../../../src/cases/index.ts';
import { type ExchangeParts, exchangeWith, recordedBody, recordedResponse } from '../support/exchange.ts';

const json = ['content-type', 'application/json'];

function caseOf(exchanges: readonly Exchange[]) {
  return {
    version: '1.0.0' as const,
    caseId: 'compared',
    traces: exchanges.map((exchange, place) =>
      tracesFromExchange({ ...exchange, startTime: exchange.startTime + place * 100 }),
    ),
  };
}

function call(method: string, path: string, answer: unknown, parts: ExchangeParts = {}): Exchange {
  return exchangeWith({
    response: recordedResponse(json, JSON.stringify(answer)),
    ...parts,
    hop: { method, path, ...parts.hop },
  });
}

/** How many hops each kind has. */
function counts(left: readonly Exchange[], right: readonly Exchange[]) {
  const { added, removed, changed, unchangedCount } = diffCases(caseOf(left), caseOf(right));
  return {
    added: added.length,
    removed: removed.length,
    changed: changed.length,
    same: unchangedCount,
    pointers: changed.flatMap(({ differences }) => differences.map(({ pointer }) => pointer)),
  };
}

const same = (count: number) => ({ added: 0, removed: 0, changed: 0, same: count, pointers: [] });

describe('Renaming', () => {
  it('reads a known id wherever it stands as a word of its own, with any prefix', () => {
    const renaming = new Renaming();
    renaming.learn('8b1a22b1', 'd875f097');
    assert.equal(
      renaming.read('/orders/8b1a22b1?o=ord_8b1a22b1&x=order-8b1a22b1-line&y=8b1a22b1f'),
      '/orders/d875f097?o=ord_d875f097&x=order-d875f097-line&y=8b1a22b1f',
    );
  });

  it('has one right value for each left one, and the other way round', () => {
    const renaming = new Renaming();
    renaming.learn('a', 'x');
    renaming.learn('a', 'y');
    renaming.learn('b', 'x');
    assert.deepEqual([renaming.size, renaming.read('a b')], [1, 'x b']);
  });

  it('learns names that objects inherit as it does others', () => {
    const renaming = new Renaming();
    assert.equal(renaming.read('__proto__ constructor'), '__proto__ constructor');
    renaming.learn('__proto__', 'toString');
    assert.equal(renaming.read('__proto__ constructor'), 'toString constructor');
  });
});

describe('ids that are others in each run', () => {
  it('are noise in bodies, headers, paths, queries and forms, once one place has told them', () => {
    const run = (id: string) => [
      call('POST', '/orders', { order: id, state: 'new' }),
      call('GET', `/orders/${id}`, { url: `/orders/${id}`, state: 'new' }),
      call('GET', '/lines', { of: [id] }, { hop: { query: `order=${id}` } }),
      call('GET', '/mail', {}, { hop: { headers: ['x-order', id] } }),
      call(
        'POST',
        '/ship',
        {},
        {
          hop: { headers: ['content-type', 'application/x-www-form-urlencoded'] },
          requestBody: recordedBody(`o=ord-${id}`),
        },
      ),
    ];
    assert.deepEqual(counts(run('8b1a22b1'), run('d875f097')), same(5));
  });

  it('lead from an answer to a path, and from its answer to the next', () => {
    const run = (first: string, second: string, third: string) => [
      call('POST', '/a', { made: first }),
      call('POST', `/a/${first}/b`, { made: second }),
      call('POST', `/b/${second}/c`, { made: third }),
      call('GET', `/c/${third}`, { left: 1 }),
    ];
    assert.deepEqual(
      counts(run('8b1a22b1', '20eed943f92c', 'c89ae73e'), run('d875f097', 'fbce8b5a7b0b', '6a538352')),
      same(4),
    );
  });

  it('tell repeated requests of one shape apart, in whatever order they come', () => {
    const make = (name: string, id: string) =>
      call('POST', '/items', { id }, { requestBody: recordedBody(name) });
    const get = (id: string, left: number) => call('GET', `/items/${id}`, { left });
    const left = [
      make('mug', '11111111-2222-4333-8444-555555555555'),
      make('tea', '8b1a22b1'),
      get('11111111-2222-4333-8444-555555555555', 1),
      get('8b1a22b1', 2),
    ];
    const right = [
      make('mug', '9b2d3a44-0d63-4b0f-9d2c-3a1f5a0b6c7d'),
      make('tea', 'd875f097'),
      get('d875f097', 2),
      get('9b2d3a44-0d63-4b0f-9d2c-3a1f5a0b6c7d', 1),
    ];
    assert.deepEqual(counts(left, right), same(4));
  });

  it('are what is an id by its name, whatever it looks like', () => {
    const run = (id: string) => [
      call('POST', '/orders', { orderId: id }),
      call('GET', `/orders/${id}`, { last: id }),
    ];
    assert.deepEqual(counts(run('ord-2026-000000011'), run('ord-2026-000000012')), same(2));
  });

  it('are not words and counters, though their name is that of an id', () => {
    const run = (id: string) => [
      call('GET', '/a', {}, { hop: { headers: ['x-request-id', id] } }),
      call('GET', '/b', { state: id }),
    ];
    assert.deepEqual(counts(run('waiting'), run('finished')).pointers, ['/response/body/state']);
    assert.deepEqual(counts(run('10001'), run('10002')).pointers, ['/response/body/state']);
  });

  it('are told by cookies, too', () => {
    const run = (id: string) => [
      call(
        'POST',
        '/orders',
        {},
        {
          response: recordedResponse(['set-cookie', `last-order=${id}; Path=/`], ''),
        },
      ),
      call('GET', `/orders/${id}/lines/${id.slice(0, 2)}`, {}),
    ];
    const { changed, added } = counts(run('8b1a22b1'), run('8b75f097'));
    assert.deepEqual([changed, added], [0, 0]);
  });

  it('may be told by a path alone', () => {
    assert.deepEqual(
      counts([call('GET', '/orders/8b1a22b1', { left: 1 })], [call('GET', '/orders/d875f097', { left: 1 })]),
      same(1),
    );
  });

  it('are long numbers where their name says so, also in paths', () => {
    const run = (id: number) => [
      call('POST', '/orders', { orderId: id }),
      call('GET', `/orders/${id}`, { left: 1 }),
    ];
    assert.deepEqual(counts(run(48_291_047), run(59_302_158)), same(2));
    assert.equal(
      counts([call('GET', '/a', { total: 482_910 })], [call('GET', '/a', { total: 593_021 })]).changed,
      1,
    );
  });

  it('are long numbers in paths, and then in bodies too', () => {
    const run = (id: string) => [
      call('POST', '/reservations', { reservation: id }),
      call('POST', `/reservations/${id}/confirm`, { state: 'done' }),
    ];
    assert.deepEqual(counts(run('58291047'), run('10293847')), same(2));
    assert.deepEqual(counts(run('7'), run('8')).pointers, ['/response/body/reservation', '/request/path']);
  });

  it('are a real difference where one left value is two right ones', () => {
    const run = (made: string, shown: string) => [
      call('POST', '/orders', { order: made }),
      call('GET', '/orders', { last: shown }),
    ];
    assert.deepEqual(counts(run('8b1a22b1', '8b1a22b1'), run('d875f097', 'c89ae73e')).pointers, [
      '/response/body/last',
    ]);
  });

  it('are a real difference where two left values are one right one', () => {
    const run = (made: string, shown: string) => [
      call('POST', '/orders', { order: made }),
      call('GET', '/orders', { last: shown }),
    ];
    assert.deepEqual(counts(run('8b1a22b1', 'c89ae73e'), run('d875f097', 'd875f097')).pointers, [
      '/response/body/last',
    ]);
  });

  it('are not what both captures have: a product is another one then', () => {
    const run = (chosen: string) => [
      call('GET', '/products', { all: ['P-100001', 'P-100002'] }),
      call('POST', '/basket', { product: chosen }),
    ];
    assert.deepEqual(counts(run('P-100001'), run('P-100002')).pointers, ['/response/body/product']);
  });

  it('hide nothing else: whatever one renames, the rest is compared', () => {
    const id = fc
      .tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 0xfffffff }))
      .map(([first, rest]) => `${first}1${rest.toString(16).padStart(7, '0')}`);
    const ids = fc.uniqueArray(id, { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(ids, fc.nat({ max: 2 }), (all, changedAt) => {
        const run = (mine: readonly string[], wrong?: number) =>
          mine.flatMap((one, place) => [
            call('POST', '/orders', { order: one }, { requestBody: recordedBody(`order ${place}`) }),
            call('GET', `/orders/${one}`, { order: one, state: wrong === place ? 'lost' : 'new' }),
          ]);
        const [left, right] = [all.slice(0, 3), all.slice(3)];
        assert.deepEqual(counts(run(left), run(right)), same(6));
        assert.deepEqual(counts(run(left), run(right, changedAt)).pointers, ['/response/body/state']);
      }),
    );
  });

  it('are learnt and read in bounded time', () => {
    const run = (first: string) =>
      Array.from({ length: 2000 }, (_, i) => {
        const id = `${first}${String(i).padStart(6, '0')}e`;
        return [call('POST', '/orders', { order: id }), call('GET', `/orders/${id}`, { order: id })];
      }).flat();
    assert.deepEqual(counts(run('a'), run('b')), same(4000));
  });
});

describe('what is ignored', () => {
  const ignorePaths = [compileJsonPath('$..stock')];

  it('is left out of JSON bodies of requests and answers, and of pairing', () => {
    const run = (stock: number) => [
      call(
        'POST',
        '/a',
        { items: [{ stock, sku: 'mug' }] },
        {
          hop: { headers: json },
          requestBody: recordedBody(JSON.stringify({ stock, of: 'mug' })),
        },
      ),
    ];
    assert.equal(counts(run(1), run(2)).changed, 1);
    const { changed, noiseCount } = diffCases(caseOf(run(1)), caseOf(run(2)), { ignorePaths });
    assert.deepEqual([changed, noiseCount], [[], 0]);
  });

  it('leaves the rest of the body to be compared', () => {
    const run = (stock: number, name: string) => [call('GET', '/a', { stock, name })];
    const { changed } = diffCases(caseOf(run(1, 'mug')), caseOf(run(2, 'tea')), { ignorePaths });
    assert.deepEqual(
      changed.flatMap(({ differences }) => differences.map(({ pointer }) => pointer)),
      ['/response/body/name'],
    );
  });

  it('is the whole of any body for $', () => {
    const run = (text: string) => [
      call('GET', '/a', {}, { response: recordedResponse(['content-type', 'text/plain'], text) }),
    ];
    const whole = [compileJsonPath('$')];
    assert.deepEqual(diffCases(caseOf(run('a')), caseOf(run('b')), { ignorePaths: whole }).changed, []);
  });

  it('is headers and trailers by their names in any case', () => {
    const run = (value: string) => [
      call(
        'GET',
        '/a',
        {},
        {
          hop: { headers: ['X-Build', value] },
          response: { ...recordedResponse(['X-Build', value], ''), trailers: ['x-build', value] },
        },
      ),
    ];
    assert.equal(counts(run('old'), run('new')).pointers.length, 3);
    assert.deepEqual(
      diffCases(caseOf(run('old')), caseOf(run('new')), { ignoreHeaders: ['x-build'] }).changed,
      [],
    );
  });

  it('is nothing in a body that is no JSON, or too deep', () => {
    const deep = (leaf: string) => `${'['.repeat(20_000)}${leaf}${']'.repeat(20_000)}`;
    for (const [left, right] of [
      ['{"stock":1', '{"stock":2'],
      [deep('1'), deep('2')],
    ] as const) {
      const run = (text: string) => [call('GET', '/a', {}, { response: recordedResponse(json, text) })];
      assert.equal(
        diffCases(caseOf(run(left)), caseOf(run(right)), { ignorePaths: [compileJsonPath('$.stock')] })
          .changed.length,
        1,
      );
    }
  });
});
