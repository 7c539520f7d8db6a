import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bodyAttribute, isJson, isTextual } from '../../src/cases/body.ts';
import { encodeContent } from '../../src/cases/content-coding.ts';
import { recordedBody } from './support/exchange.ts';

const text = (value: string) => ({ value, encoding: undefined });
const base64 = (bytes: Uint8Array | string) => ({
  value: Buffer.from(bytes).toString('base64'),
  encoding: 'base64' as const,
});

describe('isTextual', () => {
  for (const type of [
    'text/html',
    'TEXT/Plain; charset=utf-8',
    'application/json',
    'application/problem+json ; a=b',
    'application/soap+xml',
    'image/svg+xml',
    'application/x-www-form-urlencoded',
    'text/event-stream',
    'application/x-ndjson',
    'application/javascript',
    'application/graphql',
  ]) {
    test(`${type} is text`, () => assert.equal(isTextual(type), true));
  }
  for (const type of [
    'image/png',
    'application/octet-stream',
    'application/pdf',
    'multipart/form-data',
    'json',
    '',
  ]) {
    test(`${type || 'an empty type'} is not`, () => assert.equal(isTextual(type), false));
  }
});

describe('isJson', () => {
  for (const type of [
    'application/json; charset=utf-8',
    'application/vnd.api+json',
    'text/json',
    'application/x-ndjson',
    'application/jsonl',
  ]) {
    test(`${type} is JSON`, () => assert.equal(isJson(type), true));
  }
  for (const type of ['text/plain', 'application/jsonish', 'application/jwt', '']) {
    test(`${type || 'an empty type'} is not`, () => assert.equal(isJson(type), false));
  }
});

describe('bodyAttribute', () => {
  test('nothing recorded is no attribute', () => {
    assert.equal(bodyAttribute(recordedBody(), ['content-type', 'text/plain']), undefined);
    assert.equal(bodyAttribute({ bytes: new Uint8Array(0), size: 9, truncated: true }, []), undefined);
  });

  test('valid UTF-8 of a textual type is text, byte order mark and all', () => {
    const body = recordedBody('\uFEFF{"ü":"😀"}');
    assert.deepEqual(bodyAttribute(body, ['Content-Type', 'application/json']), text('\uFEFF{"ü":"😀"}'));
  });

  test('a type that is not textual is base64 even where it looks like text', () => {
    assert.deepEqual(bodyAttribute(recordedBody('abc'), ['content-type', 'image/png']), base64('abc'));
  });

  test('a textual type in another character set than UTF-8 is base64', () => {
    const latin1 = Buffer.from('caf\xe9', 'latin1');
    const headers = ['content-type', 'text/html; charset=iso-8859-1'];
    assert.deepEqual(bodyAttribute(recordedBody(latin1), headers), base64(latin1));
  });

  test('without a type, text without control characters is text', () => {
    assert.deepEqual(bodyAttribute(recordedBody('line\r\n\tline'), []), text('line\r\n\tline'));
    assert.deepEqual(bodyAttribute(recordedBody('a\u0000b'), []), base64('a\u0000b'));
    assert.deepEqual(bodyAttribute(recordedBody(Buffer.from([0xff])), []), base64(Buffer.from([0xff])));
  });

  for (const coding of ['gzip', 'deflate', 'br', 'zstd', 'br, gzip']) {
    test(`content coding is undone: ${coding}`, () => {
      const body = recordedBody(encodeContent(Buffer.from('{"a":1}'), coding));
      const headers = ['Content-Type', 'application/json', 'Content-Encoding', coding];
      assert.deepEqual(bodyAttribute(body, headers), text('{"a":1}'));
    });
  }

  test('content codings in several fields are one list', () => {
    const body = recordedBody(encodeContent(Buffer.from('twice'), 'br, gzip'));
    const headers = ['content-type', 'text/plain', 'content-encoding', 'br', 'content-encoding', 'gzip'];
    assert.deepEqual(bodyAttribute(body, headers), text('twice'));
  });

  test('a whole body that is not in the coding it names is kept as its bytes on the wire', () => {
    const headers = ['content-type', 'text/plain', 'content-encoding', 'gzip'];
    assert.deepEqual(bodyAttribute(recordedBody('not gzip'), headers), base64('not gzip'));
    const short = encodeContent(Buffer.from('text '.repeat(500)), 'gzip').subarray(0, 30);
    assert.deepEqual(bodyAttribute(recordedBody(short), headers), base64(short));
    const unknown = ['content-type', 'text/plain', 'content-encoding', 'compress'];
    assert.deepEqual(bodyAttribute(recordedBody('xyz'), unknown), base64('xyz'));
  });

  test('of a coded body that was cut, what can be decoded is kept', () => {
    const original = Array.from({ length: 5000 }, (_, i) => `line ${i * 31}`).join('\n');
    const coded = encodeContent(Buffer.from(original), 'gzip');
    const body = { bytes: coded.subarray(0, coded.length >> 1), size: coded.length, truncated: true };
    const attribute = bodyAttribute(body, ['content-type', 'text/plain', 'content-encoding', 'gzip']);
    assert.equal(attribute?.encoding, undefined);
    assert.ok(
      attribute !== undefined && attribute.value.length > 100 && original.startsWith(attribute.value),
    );
  });

  test('a cut inside a character does not make text binary', () => {
    for (const whole of ['aé', 'a€', 'a😀']) {
      const bytes = Buffer.from(whole);
      for (let end = 2; end < bytes.length; end++) {
        const body = { bytes: bytes.subarray(0, end), size: bytes.length, truncated: true };
        assert.deepEqual(
          bodyAttribute(body, ['content-type', 'text/plain']),
          text('a'),
          `${whole} cut at ${end}`,
        );
      }
      const body = { bytes, size: 99, truncated: true };
      assert.deepEqual(bodyAttribute(body, ['content-type', 'text/plain']), text(whole));
    }
  });

  test('a body that a case held decoded is not decoded again', () => {
    const body = { ...recordedBody('{"a":1}'), decoded: true };
    const headers = ['content-type', 'application/json', 'content-encoding', 'gzip'];
    assert.deepEqual(bodyAttribute(body, headers), text('{"a":1}'));
  });

  test('what is recorded gives the same bytes back, whatever they are', () => {
    const types = fc.constantFrom(undefined, 'text/plain', 'application/json; charset=utf-16', 'image/png');
    const codings = fc.constantFrom(undefined, 'gzip', 'br', 'zstd');
    const contents = fc.oneof(
      fc.uint8Array({ minLength: 1 }),
      fc.string({ minLength: 1, unit: 'binary' }).map((value) => new Uint8Array(Buffer.from(value))),
    );
    fc.assert(
      fc.property(contents, types, codings, (bytes, type, coding) => {
        const headers = [
          ...(type === undefined ? [] : ['Content-Type', type]),
          ...(coding === undefined ? [] : ['Content-Encoding', coding]),
        ];
        const attribute = bodyAttribute(recordedBody(encodeContent(bytes, coding)), headers);
        const back = Buffer.from(attribute?.value ?? '', attribute?.encoding ?? 'utf8');
        assert.equal(back.compare(bytes), 0);
      }),
    );
  });
});
