import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import {
  ContentCodingError,
  decodeContent,
  decodeContentPrefix,
  encodeContent,
  isCoded,
} from '../../src/cases/content-coding.ts';

const CODINGS = [
  'gzip',
  'x-gzip',
  'deflate',
  'br',
  'zstd',
  'identity',
  'GZIP',
  'gzip, br',
  'zstd,deflate ,gzip',
];

describe('decodeContent', () => {
  for (const coding of CODINGS) {
    test(`undoes what encodeContent did: ${coding}`, () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
          const decoded = decodeContent(encodeContent(bytes, coding), coding);
          assert.equal(Buffer.compare(decoded, bytes), 0);
        }),
        { numRuns: 30 },
      );
    });
  }

  test('takes deflate without the zlib header, as some servers send it', () => {
    const text = Buffer.from('plain text');
    assert.deepEqual(decodeContent(zlib.deflateRawSync(text), 'deflate'), text);
  });

  test('takes gzip of several members', () => {
    const bytes = Buffer.concat([zlib.gzipSync('one '), zlib.gzipSync('two')]);
    assert.equal(Buffer.from(decodeContent(bytes, 'gzip')).toString(), 'one two');
  });

  test('takes zstd of several frames, within limits', () => {
    const bytes = Buffer.concat([zlib.zstdCompressSync('one '), zlib.zstdCompressSync('two')]);
    assert.equal(Buffer.from(decodeContent(bytes, 'zstd')).toString(), 'one two');
    assert.throws(() => decodeContent(bytes, 'zstd', 5), { message: /more than 5 bytes/ });
    assert.throws(
      () => decodeContent(Buffer.concat([bytes, Buffer.from('noise')]), 'zstd'),
      ContentCodingError,
    );
    const frame = zlib.zstdCompressSync('');
    assert.throws(() => decodeContent(Buffer.concat(Array(2000).fill(frame)), 'zstd'), {
      message: /1000 frames/,
    });
  });

  test('without a coding the bytes are what they are', () => {
    const bytes = Buffer.from('abc');
    assert.equal(decodeContent(bytes, undefined), bytes);
    assert.equal(decodeContent(bytes, ''), bytes);
    assert.equal(isCoded('identity, '), false);
    assert.equal(isCoded('identity, gzip'), true);
  });

  test('an unknown coding is an error that names it and the known ones', () => {
    assert.throws(() => decodeContent(Buffer.from('x'), 'compress'), {
      name: 'ContentCodingError',
      coding: 'compress',
      message: /"compress".*gzip, deflate, br, zstd/,
    });
    assert.throws(() => encodeContent(Buffer.from('x'), 'gzip, rot13'), { coding: 'rot13' });
  });

  for (const coding of ['gzip', 'deflate', 'br', 'zstd']) {
    test(`bytes that are not ${coding} are an error with its cause`, () => {
      assert.throws(
        () => decodeContent(Buffer.from('this is plain text'), coding),
        (error) =>
          error instanceof ContentCodingError && error.coding === coding && error.cause instanceof Error,
      );
    });

    test(`${coding} that ends early is an error`, () => {
      const coded = encodeContent(Buffer.from('text '.repeat(100)), coding);
      assert.throws(() => decodeContent(coded.subarray(0, coded.length - 3), coding), ContentCodingError);
    });

    test(`${coding} that decodes to more than the limit is an error, not an allocation`, () => {
      const coded = encodeContent(new Uint8Array(5_000_000), coding);
      assert.ok(coded.length < 50_000);
      assert.throws(() => decodeContent(coded, coding, 100_000), { message: /more than 100000 bytes/ });
      assert.equal(decodeContent(coded, coding, 5_000_000).length, 5_000_000);
    });
  }

  test('a long chain of codings is refused', () => {
    assert.throws(() => decodeContent(Buffer.from('x'), 'gzip,gzip,gzip,gzip,gzip'), {
      message: /at most 4/,
    });
  });

  test('never throws anything but ContentCodingError', () => {
    const codings = fc.constantFrom(...CODINGS, 'compress', ',', 'gzip,gzip,gzip,gzip,gzip');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), codings, (bytes, coding) => {
        for (const decode of [decodeContent, decodeContentPrefix]) {
          try {
            decode(bytes, coding, 10_000);
          } catch (error) {
            assert.ok(error instanceof ContentCodingError, String(error));
          }
        }
      }),
    );
  });
});

describe('decodeContentPrefix', () => {
  const text = Array.from({ length: 20_000 }, (_, i) => (i * 7919).toString(36)).join(' ');
  for (const coding of ['gzip', 'deflate', 'br']) {
    test(`gives the beginning of ${coding} that was cut off`, () => {
      const coded = encodeContent(Buffer.from(text), coding);
      const prefix = Buffer.from(
        decodeContentPrefix(coded.subarray(0, coded.length >> 1), coding),
      ).toString();
      assert.ok(prefix.length > 1000, `only ${prefix.length} characters`);
      assert.ok(text.startsWith(prefix));
    });
  }

  test('gives all of a body that is whole', () => {
    for (const coding of ['gzip', 'deflate', 'br', 'zstd']) {
      assert.equal(
        Buffer.from(decodeContentPrefix(encodeContent(Buffer.from('all'), coding), coding)).toString(),
        'all',
      );
    }
  });
});
