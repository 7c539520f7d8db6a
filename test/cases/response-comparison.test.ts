import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { compileJsonPath, type RawHeaders } from '../../src/cases/index.ts';
import { type ComparisonOptions, compareResponses } from '../../src/cases/response-comparison.ts';
import { ReplaySecrets } from '../../src/cases/secrets/replay-secrets.ts';
import { exchangeWith, recordedBody, recordedResponse } from './support/exchange.ts';

const json = ['content-type', 'application/json'];
const hidden = '[redacted:0f1e2d3c4b5a]';
const otherHidden = '[redacted:aaaaaaaaaaaa]';

type Response = ReturnType<typeof recordedResponse>;

function compare(recorded: Response, replayed: Response, options?: ComparisonOptions) {
  return compareResponses(
    exchangeWith({ response: recorded }),
    { response: replayed, failure: undefined },
    options,
  );
}

function compareJson(recorded: unknown, replayed: unknown, options?: ComparisonOptions) {
  const response = (value: unknown) => recordedResponse(json, JSON.stringify(value));
  return compare(response(recorded), response(replayed), options);
}

function compareHeaders(recorded: RawHeaders, replayed: RawHeaders, options?: ComparisonOptions) {
  return compare(recordedResponse(recorded), recordedResponse(replayed), options);
}

const ignoring = (...paths: string[]) => ({ ignorePaths: paths.map(compileJsonPath) });

describe('what differs between a recorded and a replayed response', () => {
  it('is nothing where they are the same', () => {
    const response = recordedResponse([...json, 'etag', '"1"'], '{"a":1}');
    assert.deepEqual(compare(response, response), []);
  });

  it('is the status', () => {
    assert.deepEqual(compare(recordedResponse([], '', 201), recordedResponse([], '', 500)), [
      { pointer: '/status', expected: 201, actual: 500 },
    ]);
  });

  it('is a place in a JSON body, whatever the order of members and the white space', () => {
    assert.deepEqual(
      compare(recordedResponse(json, '{"a":1,"b":[1,2]}'), recordedResponse(json, '{ "b": [1, 3], "a": 1 }')),
      [{ pointer: '/body/b/1', expected: 2, actual: 3 }],
    );
  });

  it('is a member that has come or gone', () => {
    assert.deepEqual(compareJson({ a: 1 }, { b: 2 }), [
      { pointer: '/body/a', expected: 1 },
      { pointer: '/body/b', actual: 2 },
    ]);
  });

  it('is a value that looks new each time as well, and that is told', () => {
    assert.deepEqual(compareJson({ at: '2026-01-02T03:04:05Z' }, { at: '2026-05-06T07:08:09Z' }), [
      {
        pointer: '/body/at',
        expected: '2026-01-02T03:04:05Z',
        actual: '2026-05-06T07:08:09Z',
        looksLike: 'time',
      },
    ]);
  });

  it('is told line by line for long texts', () => {
    const text = (third: string) => `first line\nsecond line\n${third} line\nfourth line\n`;
    const [difference, ...more] = compare(
      recordedResponse(['content-type', 'text/plain'], text('third')),
      recordedResponse(['content-type', 'text/plain'], text('another')),
    );
    assert.deepEqual([difference?.pointer, more], ['/body', []]);
    assert.match(difference?.lines ?? '', /^-third line\n\+another line$/m);
  });

  it('is told by size and hash for binary bodies', () => {
    const image = (...bytes: number[]) => recordedResponse(['content-type', 'image/png'], Buffer.from(bytes));
    assert.deepEqual(compare(image(0, 1, 2), image(0, 1, 2)), []);
    const [difference] = compare(image(0, 1, 2), image(0, 1, 3, 4));
    assert.match(String(difference?.expected), /^3 bytes, sha256 /);
    assert.match(String(difference?.actual), /^4 bytes, sha256 /);
  });

  it('is nothing of the content coding of a body but its header', () => {
    const recorded = {
      ...recordedResponse([...json, 'content-encoding', 'gzip']),
      body: { ...recordedBody('{"a":1}'), decoded: true },
    };
    const replayed = recordedResponse([...json, 'content-encoding', 'gzip'], gzipSync('{"a":1}'));
    assert.deepEqual(compare(recorded, replayed), []);
    assert.deepEqual(compare(recorded, recordedResponse(json, '{"a":1}')), [
      { pointer: '/headers/content-encoding', expected: 'gzip' },
    ]);
  });

  it('is that no response came, and why', () => {
    const failure = { type: 'timeout', message: 'no answer within 10 ms' };
    assert.deepEqual(compareResponses(exchangeWith(), { response: undefined, failure }), [
      { pointer: '/failure', actual: 'timeout' },
      { pointer: '/status', expected: 200 },
    ]);
  });

  it('is that a response broke off', () => {
    const recorded = exchangeWith({ response: recordedResponse([], 'whole') });
    const failure = { type: 'ECONNRESET', message: '' };
    const pointers = compareResponses(recorded, { response: recordedResponse([], 'who'), failure }).map(
      ({ pointer }) => pointer,
    );
    assert.deepEqual(pointers, ['/failure', '/body']);
  });

  it('is a trailer', () => {
    const withTrailer = (value: string) => ({ ...recordedResponse(), trailers: ['checksum', value] });
    assert.deepEqual(compare(withTrailer('a'), withTrailer('b')), [
      { pointer: '/trailers/checksum', expected: 'a', actual: 'b' },
    ]);
  });

  it('is nothing beyond what was recorded of a body that was cut', () => {
    const cut = (text: string) => ({
      ...recordedResponse(['content-type', 'text/plain']),
      body: { bytes: Buffer.from(text), size: 100, truncated: true },
    });
    const whole = recordedResponse(['content-type', 'text/plain'], 'beginning and end');
    assert.deepEqual(compare(cut('beginning'), whole), []);
    assert.equal(compare(cut('otherwise'), whole).length, 1);
  });
});

describe('header fields', () => {
  it('count, and so do their repeats', () => {
    assert.deepEqual(compareHeaders(['vary', 'a', 'vary', 'b'], ['Vary', 'a']), [
      { pointer: '/headers/vary', expected: 'a, b', actual: 'a' },
    ]);
  });

  it('are left out where they are of the connection, of the clock, or ours', () => {
    const recorded = ['date', 'Mon', 'age', '1', 'content-length', '5', 'x-softprobe-outcome', 'forward'];
    assert.deepEqual(compareHeaders(recorded, ['connection', 'close', 'keep-alive', 'timeout=5']), []);
  });

  it('are left out where they carry a trace, or are new with each request by their name', () => {
    assert.deepEqual(compareHeaders(['traceparent', '00-a'], ['tracestate', 'b=c']), []);
    assert.deepEqual(compareHeaders(['x-request-id', 'a'], ['x-request-id', 'b']), []);
    assert.deepEqual(compareHeaders(['x-request-id', 'a'], []), [
      { pointer: '/headers/x-request-id', expected: 'a' },
    ]);
  });

  it('are left out where somebody says so', () => {
    assert.deepEqual(compareHeaders(['x-build', '1'], ['x-build', '2'], { ignoreHeaders: ['x-build'] }), []);
  });

  it('count as validators, unless a part of the body is left out', () => {
    const response = (etag: string, at: number) =>
      recordedResponse([...json, 'etag', etag], JSON.stringify({ at }));
    const pointers = (options?: ComparisonOptions) =>
      compare(response('"a"', 1), response('"b"', 2), options).map(({ pointer }) => pointer);
    assert.deepEqual(pointers(), ['/headers/etag', '/body/at']);
    assert.deepEqual(pointers(ignoring('$.at')), []);
  });

  it('that are secret are told as placeholders', () => {
    const [difference] = compareHeaders(
      ['set-cookie', 'a=one'],
      ['set-cookie', 'a=two', 'set-cookie', 'b=three'],
    );
    assert.match(JSON.stringify(difference), /"a=\[redacted:[0-9a-f]{12}\]"/);
    assert.doesNotMatch(JSON.stringify(difference), /one|two|three/);
  });

  it('may set cookies that end at another time, but not ones that have ended', () => {
    const cookie = (year: number) => ['set-cookie', `a=1; Path=/; Expires=Thu, 01 Jan ${year} 00:00:00 GMT`];
    assert.deepEqual(compareHeaders(cookie(2026), cookie(2031)), []);
    assert.equal(compareHeaders(cookie(2026), cookie(1970)).length, 1);
  });
});

describe('what the recording hides', () => {
  it('has to be there, whatever it is', () => {
    const recorded = ['set-cookie', `sid=${hidden}; Path=/`, 'x-api-token', hidden];
    assert.deepEqual(compareHeaders(recorded, ['set-cookie', 'sid=new; Path=/', 'x-api-token', 'k']), []);
    assert.deepEqual(compareHeaders(recorded, ['set-cookie', 'sid=new; Path=/']), [
      { pointer: '/headers/x-api-token', expected: hidden },
    ]);
    assert.equal(compareHeaders(recorded, ['set-cookie', 'other=new; Path=/', 'x-api-token', 'k']).length, 1);
  });

  it('may be in cookies that come in another order', () => {
    assert.deepEqual(
      compareHeaders(
        ['set-cookie', `a=${hidden}`, 'set-cookie', `b=${otherHidden}`],
        ['set-cookie', 'b=2', 'set-cookie', 'a=1'],
      ),
      [],
    );
  });

  it('may be a part of a JSON body, of any type', () => {
    assert.deepEqual(compareJson({ token: hidden, n: hidden }, { token: 'abc', n: 5 }), []);
    assert.deepEqual(compareJson([{ token: hidden }], [{ token: null }]), [
      { pointer: '/body/0/token', expected: hidden, actual: null },
    ]);
    assert.deepEqual(compareJson({ token: hidden }, {}), [{ pointer: '/body/token', expected: hidden }]);
    assert.deepEqual(compareJson({ token: hidden, a: 1 }, { token: 'abc', a: 2 }), [
      { pointer: '/body/a', expected: 1, actual: 2 },
    ]);
  });

  it('may be a part of a text', () => {
    const text = (body: string) => recordedResponse(['content-type', 'text/plain'], body);
    assert.deepEqual(compare(text(`key ${hidden} and\nmore`), text('key abc and\nmore')), []);
    assert.equal(compare(text(`key ${hidden} and\nmore`), text('key abc or\nmore')).length, 1);
  });

  it('is known from then on', () => {
    const secrets = new ReplaySecrets();
    compareHeaders(['set-cookie', `sid=${hidden}; Path=/`], ['set-cookie', 'sid=new; Path=/'], { secrets });
    compareJson({ login: { token: otherHidden } }, { login: { token: 'abc' } }, { secrets });
    assert.deepEqual(secrets.fill(`${hidden} ${otherHidden}`), { text: 'new abc', isWhole: true });
  });

  it('is no member of a prototype', () => {
    const recorded = recordedResponse(json, `{"__proto__":{"token":"${hidden}"}}`);
    assert.deepEqual(compare(recorded, recordedResponse(json, '{"__proto__":{"token":"abc"}}')), []);
    assert.equal(compare(recorded, recordedResponse(json, '{}')).length, 1);
    assert.equal(({} as Record<string, unknown>).token, undefined);
  });
});

describe('what is ignored', () => {
  it('is what a JSONPath selects, on either side', () => {
    const recorded = { items: [{ id: 1, n: 'a' }], at: 1 };
    const replayed = { items: [{ id: 2, n: 'a' }], at: 2 };
    assert.deepEqual(compareJson(recorded, replayed, ignoring('$.items[*].id', '$.at')), []);
    assert.deepEqual(compareJson({ a: 1 }, { a: 1, at: 5 }, ignoring('$..at')), []);
  });

  it('is nothing else', () => {
    assert.deepEqual(
      compareJson({ items: [{ id: 1, n: 'a' }] }, { items: [{ id: 2, n: 'b' }] }, ignoring('$.items[*].id')),
      [{ pointer: '/body/items/0/n', expected: 'a', actual: 'b' }],
    );
  });

  it('may be elements of an array, which then are as if they were not there', () => {
    const path = ignoring('$.list[?@.kind == "ad"]');
    assert.deepEqual(compareJson({ list: [{ kind: 'ad' }, { n: 1 }] }, { list: [{ n: 1 }] }, path), []);
  });

  it('is the whole of any body with $', () => {
    const text = (body: string) => recordedResponse(['content-type', 'text/html'], body);
    assert.deepEqual(compare(text('<p>1'), text('<p>2'), ignoring('$')), []);
  });

  it('is nothing in a body that nests too deeply to look into, which is compared as a text', () => {
    const deep = (inner: string) => '['.repeat(50_000) + inner + ']'.repeat(50_000);
    const differences = compare(
      recordedResponse(json, deep('1')),
      recordedResponse(json, deep('2')),
      ignoring('$.a'),
    );
    assert.deepEqual(
      differences.map(({ pointer }) => pointer),
      ['/body'],
    );
  });
});
