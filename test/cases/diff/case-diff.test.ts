import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { diffCases } from '../../../src/cases/diff/case-diff.ts';
import { type CaseDocument, type Exchange, tracesFromExchange } from '../../../src/cases/index.ts';
import { type ExchangeParts, exchangeWith, recordedBody, recordedResponse } from '../support/exchange.ts';

function caseOf(...exchanges: readonly Exchange[]): CaseDocument {
  return {
    version: '1.0.0',
    caseId: 'compared',
    traces: exchanges.map((exchange, place) =>
      tracesFromExchange({ ...exchange, startTime: exchange.startTime + place * 100 }),
    ),
  };
}

/** A call with this path. */
function call(path: string, parts: ExchangeParts = {}): Exchange {
  return exchangeWith({ ...parts, hop: { path, ...parts.hop } });
}

const json = ['content-type', 'application/json'];

/** What differs between two captures of one hop each. */
function differencesBetween(left: Exchange, right: Exchange) {
  const { added, removed, changed } = diffCases(caseOf(left), caseOf(right));
  assert.deepEqual([added, removed], [[], []]);
  return changed.flatMap(({ differences }) => differences);
}

function answered(body: string, headers = json): ExchangeParts {
  return { response: recordedResponse(headers, body) };
}

describe('pairing of hops', () => {
  it('finds nothing between a capture and itself', () => {
    const document = caseOf(call('/a'), call('/b'), call('/a'));
    assert.deepEqual(diffCases(document, document), {
      added: [],
      removed: [],
      changed: [],
      noisy: [],
      unchangedCount: 3,
      noiseCount: 0,
    });
  });

  it('one inserted hop shifts no other', () => {
    const before = ['/a', '/b', '/c', '/d', '/e'].map((path) => call(path));
    const { added, removed, changed, unchangedCount } = diffCases(
      caseOf(...before),
      caseOf(call('/new'), ...before),
    );
    assert.deepEqual(
      added.map(({ index, url }) => [index, url]),
      [[1, 'http://stock.example:8090/new']],
    );
    assert.deepEqual([removed, changed, unchangedCount], [[], [], 5]);
  });

  it('tells a hop that is gone', () => {
    const { added, removed } = diffCases(caseOf(call('/a'), call('/b')), caseOf(call('/b')));
    assert.deepEqual(added, []);
    assert.deepEqual(removed, [
      { index: 1, direction: 'outbound', method: 'GET', url: 'http://stock.example:8090/a', status: 200 },
    ]);
  });

  it('takes requests that came in another order for the same', () => {
    const left = caseOf(call('/a', answered('{"is":"a"}')), call('/b', answered('{"is":"b"}')));
    const right = caseOf(call('/b', answered('{"is":"b"}')), call('/a', answered('{"is":"a"}')));
    assert.equal(diffCases(left, right).unchangedCount, 2);
  });

  it('tells calls of one address apart by their bodies', () => {
    const query = (name: string, total: number) =>
      call('/graphql', {
        hop: { method: 'POST', headers: json },
        requestBody: recordedBody(`{"query":"${name}"}`),
        ...answered(`{"total":${total}}`),
      });
    const { changed, unchangedCount } = diffCases(
      caseOf(query('orders', 1), query('users', 2)),
      caseOf(query('users', 2), query('orders', 5)),
    );
    assert.deepEqual(
      changed.flatMap(({ differences }) => differences),
      [{ pointer: '/response/body/total', left: 1, right: 5 }],
    );
    assert.equal(unchangedCount, 1);
  });

  it('compares the answers to repeated requests in their order', () => {
    const poll = (state: string) => call('/jobs', answered(`{"state":"${state}"}`));
    const { changed } = diffCases(
      caseOf(poll('waiting'), poll('done')),
      caseOf(poll('done'), poll('waiting')),
    );
    assert.equal(changed.length, 2);
  });

  it('pairs what listens on another port, or has another id in its path', () => {
    const left = call('/u/9b2d3a44-0d63-4b0f-9d2c-3a1f5a0b6c7d', { hop: { host: '127.0.0.1:41234' } });
    const right = call('/u/11111111-2222-4333-8444-555555555555', { hop: { host: '127.0.0.1:41999' } });
    const { noisy, changed } = diffCases(caseOf(left), caseOf(right));
    assert.deepEqual(changed, []);
    assert.deepEqual(
      noisy[0]?.noise.map(({ pointer, noise }) => [pointer, noise]),
      [
        ['/request/host', 'port'],
        ['/request/path', 'uuid'],
      ],
    );
  });

  it('pairs what differs by a number in its path, and says so', () => {
    assert.deepEqual(differencesBetween(call('/orders/7'), call('/orders/8')), [
      { pointer: '/request/path', left: '/orders/7', right: '/orders/8' },
    ]);
  });

  it('takes captures with nothing in common apart in bounded time', () => {
    const many = (name: string) => caseOf(...Array.from({ length: 3000 }, (_, i) => call(`/${name}/x${i}y`)));
    const { added, removed } = diffCases(many('left'), many('right'));
    assert.deepEqual([added.length, removed.length], [3000, 3000]);
  });
});

describe('comparing the other way round', () => {
  it('swaps what was added and what was removed, and finds the same changes', () => {
    const hop = fc
      .tuple(fc.constantFrom('/a', '/b', '/c/1', '/c/2'), fc.constantFrom('1', '2', '"x"', '[1,2]', '[2]'))
      .map(([path, body]) => call(path, answered(body)));
    const hops = fc.array(hop, { maxLength: 8 });
    fc.assert(
      fc.property(hops, hops, (left, right) => {
        const there = diffCases(caseOf(...left), caseOf(...right));
        const back = diffCases(caseOf(...right), caseOf(...left));
        assert.equal(there.added.length, back.removed.length);
        assert.equal(there.removed.length, back.added.length);
        const paired = there.changed.length + there.unchangedCount;
        assert.equal(paired + there.removed.length, left.length);
        assert.equal(paired + there.added.length, right.length);
      }),
    );
  });

  it('finds nothing where nothing is, in any order of requests that differ', () => {
    const paths = fc.uniqueArray(fc.constantFrom('/a', '/b', '/c', '/d', '/e', '/f'));
    fc.assert(
      fc.property(paths, fc.infiniteStream(fc.nat()), (some, order) => {
        const shuffled = some.toSorted(() => ((order.next().value ?? 0) % 3) - 1);
        const found = diffCases(
          caseOf(...some.map((path) => call(path))),
          caseOf(...shuffled.map((path) => call(path))),
        );
        assert.deepEqual([found.added, found.removed, found.changed], [[], [], []]);
      }),
    );
  });
});

describe('differences of a hop', () => {
  it('has status, headers and failures', () => {
    const left = call('/a', {
      response: recordedResponse(['content-type', 'text/plain', 'x-a', '1'], '', 200),
    });
    const right = call('/a', {
      response: recordedResponse(['content-type', 'text/html', 'x-b', '2'], '', 500),
      failure: { type: 'aborted', message: '' },
    });
    assert.deepEqual(differencesBetween(left, right), [
      { pointer: '/failure', right: 'aborted' },
      { pointer: '/response/status', left: 200, right: 500 },
      { pointer: '/response/headers/content-type', left: 'text/plain', right: 'text/html' },
      { pointer: '/response/headers/x-a', left: '1' },
      { pointer: '/response/headers/x-b', right: '2' },
    ]);
  });

  it('has a response that did not come', () => {
    const failed = call('/a', { response: undefined, failure: { type: 'ECONNREFUSED', message: '' } });
    assert.deepEqual(
      differencesBetween(call('/a'), failed).map(({ pointer }) => pointer),
      ['/failure', '/response/status'],
    );
  });

  it('goes into JSON bodies member by member', () => {
    const left = call('/a', answered('{"a":1,"b":[1,2,3],"c":{"d":null},"e/f":true}'));
    const right = call('/a', answered('{"c":{"d":0},"b":[1,3],"a":1,"e/f":false,"g":"new"}'));
    assert.deepEqual(differencesBetween(left, right), [
      { pointer: '/response/body/b/1', left: 2 },
      { pointer: '/response/body/c/d', left: null, right: 0 },
      { pointer: '/response/body/e~1f', left: true, right: false },
      { pointer: '/response/body/g', right: 'new' },
    ]);
  });

  it('does not take the place of an element in an array for its value', () => {
    const items = Array.from({ length: 50 }, (_, i) => ({ sku: `s${i}`, left: i }));
    const left = call('/a', answered(JSON.stringify(items)));
    const right = call('/a', answered(JSON.stringify([{ sku: 'first', left: 9 }, ...items])));
    assert.deepEqual(
      differencesBetween(left, right).map(({ pointer }) => pointer),
      ['/response/body/0'],
    );
  });

  it('handles members whose names objects inherit', () => {
    const left = call('/a', answered('{"__proto__":{"x":1},"constructor":1}'));
    const right = call('/a', answered('{"toString":2}'));
    assert.deepEqual(
      differencesBetween(left, right).map(({ pointer }) => pointer),
      ['/response/body/__proto__', '/response/body/constructor', '/response/body/toString'],
    );
  });

  it('survives JSON of any depth', () => {
    const deep = (leaf: string) => '['.repeat(20_000) + leaf + ']'.repeat(20_000);
    const found = differencesBetween(call('/a', answered(deep('1'))), call('/a', answered(deep('2'))));
    assert.equal(found.length, 1);
  });

  it('shows the lines in which long texts differ', () => {
    const text = (line: string) => `${'same\n'.repeat(40)}${line}\n${'same\n'.repeat(40)}`;
    const plain = ['content-type', 'text/plain'];
    const [found, ...more] = differencesBetween(
      call('/a', answered(text('old'), plain)),
      call('/a', answered(text('new'), plain)),
    );
    assert.deepEqual(more, []);
    assert.equal(found?.pointer, '/response/body');
    assert.equal(found?.lines, '@@ -39,5 +39,5 @@\n same\n same\n-old\n+new\n same\n same');
  });

  it('compares forms and queries by their parameters', () => {
    const form = (text: string) =>
      call('/a', {
        hop: {
          method: 'POST',
          query: 'b=2&a=1',
          headers: ['content-type', 'application/x-www-form-urlencoded'],
        },
        requestBody: recordedBody(text),
      });
    const right = form('amount=8&to=x');
    assert.deepEqual(
      differencesBetween(form('to=x&amount=7'), { ...right, hop: { ...right.hop, query: 'a=1&b=2' } }),
      [{ pointer: '/request/body/amount', left: '7', right: '8', isFormParameter: true }],
    );
  });

  it('tells binary bodies apart by size and hash', () => {
    const binary = (byte: number) =>
      call('/a', {
        response: recordedResponse(['content-type', 'image/png'], new Uint8Array([0x89, 0, byte])),
      });
    const [found] = differencesBetween(binary(1), binary(2));
    assert.match(String(found?.left), /^3 bytes, sha256 [0-9a-f]{16}…$/);
    assert.notEqual(found?.left, found?.right);
  });
});

describe('noise', () => {
  const noisyBodies: [string, string, string][] = [
    [
      '{"id":"9b2d3a44-0d63-4b0f-9d2c-3a1f5a0b6c7d"}',
      '{"id":"11111111-2222-4333-8444-555555555555"}',
      'uuid',
    ],
    ['{"at":"2026-11-20T12:00:00.123Z"}', '{"at":"2027-01-02T03:04:05+01:00"}', 'time'],
    ['{"day":"2026-11-20"}', '{"day":"2026-11-21"}', 'date'],
    ['{"created":1767225600}', '{"created":1767225700}', 'time'],
    ['{"x":1767225600123}', '{"x":1767225700123}', 'time'],
    ['{"csrfToken":"abc"}', '{"csrfToken":"def"}', 'token'],
    ['{"card":"[redacted:0f1e2d3c4b5a]"}', '{"card":"[redacted:aaaaaaaaaaaa]"}', 'token'],
    ['{"charge":"ch_3NabcdEFGH1234567"}', '{"charge":"ch_3NzzzzEFGH7654321"}', 'id'],
    ['{"trace":"4bf92f3577b34da6a3ce929d0e0e4736"}', '{"trace":"00f067aa0ba902b700f067aa0ba902b7"}', 'id'],
    ['{"url":"http://127.0.0.1:41001/x"}', '{"url":"http://127.0.0.1:50001/x"}', 'port'],
    ['{"orderId":"ord-2026-000000011"}', '{"orderId":"ord-2026-000000012"}', 'id'],
  ];
  for (const [left, right, kind] of noisyBodies) {
    it(`is ${left} against ${right}`, () => {
      const { changed, noisy, noiseCount } = diffCases(
        caseOf(call('/a', answered(left))),
        caseOf(call('/a', answered(right))),
      );
      assert.deepEqual([changed, noiseCount], [[], 1]);
      assert.equal(noisy[0]?.noise[0]?.noise, kind);
    });
  }

  const realBodies: [string, string][] = [
    ['{"left":3}', '{"left":2}'],
    ['{"id":7}', '{"id":8}'],
    ['{"phone":1767225600}', '{"phone":1767225700}'],
    ['{"id":"9b2d3a44-0d63-4b0f-9d2c-3a1f5a0b6c7d"}', '{"id":null}'],
    ['{"at":"2026-11-20T12:00:00.123Z"}', '{"at":"never"}'],
    ['{"csrfToken":"abc"}', '{"csrfToken":""}'],
    ['{"at":"on 2026-11-20 at home"}', '{"at":"on 2026-11-20 at work"}'],
    ['{"sha256":"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}', '{"sha256":"x"}'],
    ['{"kind":"order_confirmation_mail"}', '{"kind":"order_cancellation_mail"}'],
  ];
  for (const [left, right] of realBodies) {
    it(`is not ${left} against ${right}`, () => {
      assert.equal(differencesBetween(call('/a', answered(left)), call('/a', answered(right))).length, 1);
    });
  }

  it('is in headers what is new for each request', () => {
    const sent = (trace: string, date: string, cookie: string) =>
      call('/a', {
        hop: { headers: ['traceparent', trace, 'x-request-id', trace, 'authorization', `Bearer ${trace}`] },
        response: recordedResponse(['date', date, 'set-cookie', `sid=${cookie}; Path=/`, 'etag', trace], ''),
      });
    const { changed, noisy } = diffCases(
      caseOf(sent('a', 'Fri, 20 Nov 2026 12:00:00 GMT', 'one')),
      caseOf(sent('b', 'Fri, 20 Nov 2026 12:00:01 GMT', 'two')),
    );
    assert.deepEqual(changed, []);
    assert.deepEqual(
      noisy[0]?.noise.map(({ noise }) => noise),
      ['trace', 'id', 'token', 'time', 'token', 'derived'],
    );
  });

  it('is how a message tells its length, but not that a body is there', () => {
    const sent = (headers: string[], body: string) =>
      call('/a', { response: recordedResponse(headers, body) });
    const { changed, noiseCount } = diffCases(
      caseOf(sent(['content-length', '2'], 'hi')),
      caseOf(sent([], 'hi')),
    );
    assert.deepEqual([changed, noiseCount], [[], 1]);
    assert.deepEqual(
      differencesBetween(sent(['content-length', '2'], 'hi'), sent(['content-length', '0'], '')),
      [{ pointer: '/response/body', left: 'hi' }],
    );
  });

  it('is the id of a session, wherever it travels', () => {
    const sent = (id: string) =>
      call('/a', { hop: { headers: ['baggage', `x-softprobe-session-id=${id},a=1`] } });
    const { changed, noiseCount } = diffCases(
      caseOf(sent('sess_A-b_c1D2e3F4g5')),
      caseOf(sent('sess_zzzzzzzzzzzzzzzz')),
    );
    assert.deepEqual([changed, noiseCount], [[], 1]);
  });

  it('is not the scheme of credentials, nor the name of a cookie or its attributes', () => {
    const sent = (authorization: string, cookie: string) =>
      call('/a', {
        hop: { headers: ['authorization', authorization] },
        response: recordedResponse(['set-cookie', cookie], ''),
      });
    const found = differencesBetween(
      sent('Bearer one', 'sid=1; Path=/; HttpOnly'),
      sent('Basic one', 'sid=2; Path=/'),
    );
    assert.deepEqual(
      found.map(({ pointer }) => pointer),
      ['/request/headers/authorization', '/response/headers/set-cookie'],
    );
  });

  it('is the values of all cookies that one answer sets, and none of their attributes', () => {
    const sent = (first: string, second: string, path: string) =>
      call('/a', {
        response: recordedResponse(
          [
            ...['set-cookie', `sid=${first}; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/`],
            ...['set-cookie', `csrf=${second}; Path=${path}`],
          ],
          '',
        ),
      });
    const counts = (after: Exchange) => {
      const { changed, noiseCount } = diffCases(caseOf(sent('one', 'two', '/')), caseOf(after));
      return [changed.length, noiseCount];
    };
    assert.deepEqual(counts(sent('three', 'four', '/')), [0, 1]);
    assert.deepEqual(counts(sent('one', 'four', '/')), [0, 1]);
    assert.deepEqual(counts(sent('three', 'four', '/basket')), [1, 0]);
  });

  it('is looked for in time linear in the text', () => {
    for (const text of ['eyJ-'.repeat(250_000), 'a_'.repeat(500_000), '0123456789abcdef'.repeat(60_000)]) {
      const plain = ['content-type', 'text/plain'];
      assert.equal(
        differencesBetween(call('/a', answered(text, plain)), call('/a', answered(`${text}!`, plain))).length,
        1,
      );
    }
  });
});
