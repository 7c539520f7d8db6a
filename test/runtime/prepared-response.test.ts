import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { ResponseSpec } from '../../src/cases/index.ts';
import { InvalidResponseError, prepareResponse } from '../../src/runtime/prepared-response.ts';

function prepare(spec: ResponseSpec) {
  const { status, headers, body } = prepareResponse(spec, 'mock', 'rule');
  return { status, headers, body: Buffer.from(body) };
}

function issuesOf(spec: ResponseSpec): string[] {
  try {
    prepareResponse(spec, 'mock', 'rule');
    return [];
  } catch (error) {
    assert.ok(error instanceof InvalidResponseError);
    return error.issues.map(({ pointer }) => pointer);
  }
}

describe('prepareResponse', () => {
  const rows: [what: string, spec: ResponseSpec, status: number, headers: string[], body: string][] = [
    ['nothing given', {}, 200, ['content-length', '0'], ''],
    ['a string', { body: 'é' }, 200, ['content-length', '2'], 'é'],
    [
      'an object',
      { body: { a: [1] } },
      200,
      ['content-type', 'application/json', 'content-length', '9'],
      '{"a":[1]}',
    ],
    [
      'null, which is JSON',
      { body: null },
      200,
      ['content-type', 'application/json', 'content-length', '4'],
      'null',
    ],
    ['false', { body: false }, 200, ['content-type', 'application/json', 'content-length', '5'], 'false'],
    [
      'JSON with a type of its own',
      { body: {}, headers: { 'Content-Type': 'application/problem+json' } },
      200,
      ['Content-Type', 'application/problem+json', 'content-length', '2'],
      '{}',
    ],
    ['base64', { body: 'aGk=', bodyEncoding: 'base64' }, 200, ['content-length', '2'], 'hi'],
    [
      'base64url without padding',
      { body: 'aGk', bodyEncoding: 'base64' },
      200,
      ['content-length', '2'],
      'hi',
    ],
    [
      'a wrong content-length',
      { body: 'hi', headers: { 'Content-Length': '99' } },
      200,
      ['content-length', '2'],
      'hi',
    ],
    ['204', { status: 204, body: 'hi' }, 204, [], ''],
    [
      '304',
      { status: 304, body: 'hi', headers: { etag: '"1"', 'content-length': '5' } },
      304,
      ['etag', '"1"'],
      '',
    ],
    [
      'repeated fields',
      { headers: { 'Set-Cookie': ['a=1', 'b=2'], 'x-empty': '' } },
      200,
      ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'x-empty', '', 'content-length', '0'],
      '',
    ],
    [
      'hop-by-hop fields, those that Connection names, trailers, and pseudo-fields',
      {
        headers: {
          ':status': '200',
          Connection: 'keep-alive, X-Private',
          'Keep-Alive': 'timeout=5',
          'Transfer-Encoding': 'chunked',
          Trailer: 'x-sum',
          'x-private': '1',
          'X-Softprobe-Outcome': 'forward',
          'x-public': '1',
        },
      },
      200,
      ['x-public', '1', 'content-length', '0'],
      '',
    ],
    [
      'latin-1 values',
      { headers: { 'x-name': 'caf\u00e9\t' } },
      200,
      ['x-name', 'caf\u00e9\t', 'content-length', '0'],
      '',
    ],
    [
      'an unknown coding',
      { body: 'hi', headers: { 'content-encoding': 'aws-chunked' } },
      200,
      ['content-encoding', 'aws-chunked', 'content-length', '2'],
      'hi',
    ],
  ];
  for (const [what, spec, status, headers, body] of rows) {
    it(`prepares ${what}`, () => {
      const prepared = prepare(spec);
      assert.deepEqual({ ...prepared, body: prepared.body.toString() }, { status, headers, body });
    });
  }

  it('encodes the body again where a content-encoding says so', () => {
    const text = prepare({ body: 'hello', headers: { 'Content-Encoding': 'gzip' } });
    assert.equal(gunzipSync(text.body).toString(), 'hello');
    assert.equal(text.headers.at(-1), String(text.body.length));
    const twice = prepare({ body: { a: 1 }, headers: { 'content-encoding': ['gzip', 'zstd'] } });
    assert.equal(gunzipSync(zstdDecompressSync(twice.body)).toString(), '{"a":1}');
  });

  it('leaves a base64 body that is coded already, though it may be cut off', () => {
    for (const [coding, bytes] of [
      ['gzip', gzipSync('hello').subarray(0, 12)],
      ['zstd', zstdCompressSync('hello')],
      ['br, x-gzip', gzipSync('hello')],
    ] as const) {
      const spec = {
        body: bytes.toString('base64'),
        bodyEncoding: 'base64',
        headers: { 'content-encoding': coding },
      } as const;
      assert.deepEqual(prepare(spec).body, bytes);
    }
  });

  it('encodes a base64 body that is not coded yet', () => {
    const spec = {
      body: Buffer.from([0, 255]).toString('base64'),
      bodyEncoding: 'base64',
      headers: { 'content-encoding': 'gzip' },
    } as const;
    assert.deepEqual([...gunzipSync(prepare(spec).body)], [0, 255]);
  });

  it('adds the outcome and a label that cannot break the header', () => {
    const wire = (label: string | undefined) => prepareResponse({}, 'error', label).wireHeaders.slice(2);
    assert.deepEqual(wire(undefined), ['x-softprobe-outcome', 'error']);
    assert.deepEqual(wire('plain label/1'), [
      'x-softprobe-outcome',
      'error',
      'x-softprobe-rule',
      'plain label/1',
    ]);
    assert.equal(wire('a\r\nSet-Cookie: b=c')[3], 'a%0D%0ASet-Cookie: b=c');
    assert.equal(wire('Zürich ✓')[3], 'Z%C3%BCrich %E2%9C%93');
    assert.equal(wire('x'.repeat(1000))[3]?.length, 200);
  });

  it('refuses headers that HTTP cannot carry and bodies that are not what they say', () => {
    assert.deepEqual(
      issuesOf({
        headers: { 'a b': '1', 'x-ok': '1', 'x-a': ['ok', 'a\nb'], 'x-nul': '\0', 'x-wide': '✓', '': '1' },
      }),
      ['/headers/a b', '/headers/x-a', '/headers/x-nul', '/headers/x-wide', '/headers/'],
    );
    for (const body of ['a', 'aGk$', 'aG=k', '====', { a: 1 }, null]) {
      assert.deepEqual(issuesOf({ body, bodyEncoding: 'base64' }), ['/body'], JSON.stringify(body));
    }
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    assert.deepEqual(issuesOf({ body: deep }), ['/body']);
  });
});

describe('the length of a body that is not sent', () => {
  const lengthOf = (spec: ResponseSpec, answersHead: boolean): string | undefined => {
    const { headers } = prepareResponse(spec, 'mock', 'r', answersHead);
    const at = headers.indexOf('content-length');
    return at < 0 ? undefined : headers[at + 1];
  };
  const headers = { 'Content-Length': '12345' };

  it('is taken as given for HEAD and for 304', () => {
    assert.equal(lengthOf({ headers }, true), '12345');
    assert.equal(lengthOf({ status: 304, headers }, false), '12345');
  });

  it('is computed where there is a body, or could be', () => {
    assert.equal(lengthOf({ headers, body: 'hi' }, true), '2');
    assert.equal(lengthOf({ headers }, false), '0');
    assert.equal(lengthOf({ status: 304 }, false), undefined);
    assert.equal(lengthOf({ headers: { 'Content-Length': 'many' } }, true), '0');
  });
});
