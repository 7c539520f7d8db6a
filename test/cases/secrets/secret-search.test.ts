import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { SecretSearch } from '../../../src/cases/secrets/secret-search.ts';

const search = new SecretSearch();

/** Made here, so that no scanner of this repository takes them for real ones. */
const letters = (length: number) => 'a1B2c3D4e5F6g7H8i9J0'.repeat(20).slice(0, length);
const jwt = ['{"alg":"HS256","typ":"JWT"}', '{"sub":"1234567890"}', 'not a signature at all']
  .map((part) => Buffer.from(part).toString('base64url'))
  .join('.');

describe('shapes of secrets', () => {
  const secrets: [string, string][] = [
    ['jwt', jwt],
    ['aws-access-key', `AKIA${'ABCD1234'.repeat(2)}`],
    ['github-token', `ghp_${letters(36)}`],
    ['github-token', `github_pat_${letters(40)}`],
    ['gitlab-token', `glpat-${letters(20)}`],
    ['slack-token', `xoxb-${letters(24)}`],
    ['stripe-key', `sk_live_${letters(24)}`],
    ['google-key', `AIza${letters(35)}`],
    ['npm-token', `npm_${letters(36)}`],
    ['sendgrid-key', `SG.${letters(22)}.${letters(43)}`],
    ['private-key', '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----'],
    ['url-credentials', 'postgres://shop:hunter2@db:5432/shop'],
    ['bearer-credentials', `Bearer ${letters(20)}`],
    ['basic-credentials', `Basic ${Buffer.from('user:password').toString('base64')}`],
  ];
  for (const [kind, secret] of secrets) {
    it(`knows a ${kind} wherever it stands`, () => {
      for (const text of [secret, `before ${secret} after`, JSON.stringify({ value: secret })]) {
        assert.deepEqual([...new Set(search.find(text).map((found) => found.kind))], [kind], text);
      }
    });
  }

  const harmless = [
    'Bearer authentication is required',
    'basic instructions',
    '/checkout/confirmation/summary/of/everything',
    '{"token":"required","password":"Must be at least 12 characters","secret":null,"apiKey":42}',
    '{"nextPageToken":"CAoQAA1b2C3d4E5f6G7"}',
    '{"token_endpoint":"https://id.example/oauth2/v1/token"}',
    '4bf92f3577b34da6a3ce929d0e0e4736',
    'authorization: Bearer [redacted:0f1e2d3c4b5a]',
    '{"password":"[redacted:0f1e2d3c4b5a]"}',
    'https://example.com:8080/path?email=a@b.example',
    'eyJhbGciOi.x',
  ];
  for (const text of harmless) {
    it(`takes ${text} for harmless`, () => assert.deepEqual(search.find(text), []));
  }
});

describe('values under telling names', () => {
  const secret = letters(24);
  const texts: [string, string][] = [
    [`{"user":"x","client_secret":"${secret}"}`, ''],
    [`{"nested":{"accessToken":["${secret}"]}}`, ''],
    [`grant_type=password&client_secret=${secret}&x=1`, ''],
    [`https://api.example/x?api_key=${secret}#top`, ''],
    [secret, 'x-internal-token'],
    [`{"a":1}\n{"password":"${secret}"}\n`, ''],
    [`data: {"password": "${secret}"}\n\ndata: {`, ''],
    [`<login><password>${secret}</password></login>`, ''],
    [JSON.stringify(JSON.stringify({ password: secret })), ''],
  ];
  for (const [text, name] of texts) {
    it(`are found in ${text}${name && ` called ${name}`}`, () => {
      const found = search.find(text, name);
      assert.deepEqual(
        found.map(({ kind }) => kind),
        ['named-value'],
      );
      const [{ start, end } = { start: 0, end: 0 }] = found;
      assert.ok(text.slice(start, end).includes(secret));
    });
  }

  it('are told alone, not with what stands around them', () => {
    const text = `{"user":"x","client_secret":"${secret}"}`;
    const [found] = search.find(text);
    assert.equal(text.slice(found?.start, found?.end), secret);
  });
});

/** Ways to hide a text, each by its name. */
const encodings: Record<string, (text: string) => string> = {
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 for URLs': (text) => Buffer.from(text).toString('base64url'),
  'base64 after another octet': (text) => Buffer.from(`:${text}`).toString('base64'),
  'base64 after two other octets': (text) => Buffer.from(`::${text}::`).toString('base64'),
  'base64 that letters stand before': (text) => `is${Buffer.from(`some ${text}`).toString('base64')}`,
  'percent escapes': (text) => encodeURIComponent(text),
  'percent escapes of every octet': (text) => text.replace(/./gs, (c) => `%${c.charCodeAt(0).toString(16)}`),
  JSON: (text) => JSON.stringify({ 'a\nb': [`x ${text}`] }),
  'JSON with escapes of every character': (text) =>
    `{"a":"${text.replace(/./gs, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"}`,
  hex: (text) => Buffer.from(text).toString('hex'),
  gzip: (text) => zlib.gzipSync(`hello ${text} and more`).toString('base64'),
  brotli: (text) => zlib.brotliCompressSync(`hello ${text} and more`).toString('base64'),
  zstd: (text) => zlib.zstdCompressSync(`hello ${text} and more`).toString('base64'),
  deflate: (text) => zlib.deflateSync(`hello ${text} and more`).toString('base64'),
  'a binary format': (text) =>
    Buffer.concat([
      Buffer.from([0, 255, 1, 254, 128, 200, 0]),
      Buffer.from(text),
      Buffer.from([0, 255]),
    ]).toString('base64'),
};

describe('secrets in an encoding', () => {
  const token = `ghp_${letters(36)}`;
  const known = 'open "sesame" 42/7?';
  for (const [name, encode] of Object.entries(encodings)) {
    it(`are found in ${name}, by shape and by name`, () => {
      assert.deepEqual(
        search.find(encode(token)).map(({ kind }) => kind),
        ['github-token'],
      );
      assert.deepEqual(
        new SecretSearch({ secrets: [known] }).find(encode(known)).map(({ kind }) => kind),
        ['known-secret'],
      );
    });
  }

  it('tell what has to be undone, from the outside in', () => {
    const coded = zlib.gzipSync(JSON.stringify({ a: JSON.stringify(token) })).toString('base64');
    assert.deepEqual(search.find(coded), [
      { start: 0, end: coded.length, kind: 'github-token', encoding: ['base64', 'gzip'] },
    ]);
  });

  it('are found in any two encodings inside each other', () => {
    const names = Object.keys(encodings);
    // Brotli has no signature: it is looked for where it is all of a text, as a body is.
    const inner = names.filter((name) => name !== 'brotli');
    const pairs = fc.tuple(fc.constantFrom(...inner), fc.constantFrom(...names));
    fc.assert(
      fc.property(pairs, ([inner, outer]) => {
        const text = encodings[outer]?.(encodings[inner]?.(token) ?? '') ?? '';
        assert.ok(search.find(text).length > 0, `${inner} in ${outer}`);
      }),
      { numRuns: 150 },
    );
  });

  it('that somebody named are found whatever they are, and however they stand in base64', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 6, maxLength: 40, unit: 'grapheme' }).filter((text) => text.trim() === text),
        fc.string({ maxLength: 5 }),
        fc.string({ maxLength: 5 }),
        (secret, before, after) => {
          const named = new SecretSearch({ secrets: [secret], shapes: false });
          for (const text of [
            before + secret + after,
            JSON.stringify({ a: before + secret + after }),
            encodeURIComponent(before + secret + after),
            Buffer.from(before + secret + after).toString('base64'),
            Buffer.from(before + secret + after).toString('base64url'),
          ]) {
            assert.ok(named.find(text).length > 0, text);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('that cannot be looked for, because too much comes out, are told', () => {
    const bomb = zlib.gzipSync(Buffer.alloc(65 * 1024 * 1024)).toString('base64');
    assert.deepEqual(
      search.find(bomb).map(({ kind }) => kind),
      ['too-large-to-search'],
    );
  });
});

describe('searching', () => {
  const big = 1_000_000;
  const texts: [string, string][] = [
    ['one long word', 'a'.repeat(big)],
    ['beginnings of tokens', 'eyJ-'.repeat(big / 4)],
    ['beginnings of URLs', 'a://b'.repeat(big / 5)],
    ['percent signs', '%4'.repeat(big / 2)],
    ['backslashes', '\\'.repeat(big)],
    ['open brackets', '['.repeat(big)],
    ['parameters', 'token=&'.repeat(big / 7)],
    ['beginnings of keys', '-----BEGIN PRIVATE KEY-----'.repeat(big / 27)],
    ['spaces after a scheme', `bearer${' '.repeat(big)}`],
    ['schemes', 'bearer '.repeat(big / 7)],
    ['quotes', '"a":"'.repeat(big / 5)],
    ['tags', '<token>a'.repeat(big / 8)],
  ];
  for (const [what, text] of texts) {
    // Quadratic time would take many minutes; the test's time limit catches that.
    it(`a megabyte of ${what} ends`, { timeout: 30_000 }, () => {
      assert.ok(Array.isArray(search.find(text)));
    });
  }
});
