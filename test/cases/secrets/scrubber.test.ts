import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import {
  type CaseDocument,
  exchangeFromSpan,
  type ScrubRules,
  serializeCase,
  spansOf,
  tracesFromExchange,
} from '../../../src/cases/index.ts';
import { InvalidScrubRulesError, Scrubber } from '../../../src/cases/secrets/scrubber.ts';
import { type ExchangeParts, exchangeWith, recordedBody, recordedResponse } from '../support/exchange.ts';

const token = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
const json = ['content-type', 'application/json'];

function caseOf(...parts: ExchangeParts[]): CaseDocument {
  return {
    version: '1.0.0',
    caseId: 'scrubbed',
    traces: parts.map((part) => tracesFromExchange(exchangeWith(part))),
  };
}

/** The body of the only response of a case, after scrubbing. */
function scrubbedBody(body: string | Uint8Array, headers: string[] = json, rules?: ScrubRules): string {
  const { document } = new Scrubber(rules).scrub(caseOf({ response: recordedResponse(headers, body) }));
  const [only] = Array.from(spansOf(document), ({ span, resource }) => exchangeFromSpan(span, resource));
  return Buffer.from(only?.response?.body.bytes ?? '').toString('utf8');
}

describe('scrubbing a case', () => {
  it('is the same document where there is nothing to hide', () => {
    const document = caseOf({});
    const scrubbed = new Scrubber().scrub(document);
    assert.equal(scrubbed.document, document);
    assert.deepEqual(scrubbed.findings, []);
  });

  it('hides the usual secrets, wherever they stand', () => {
    const document: CaseDocument = {
      ...caseOf({
        hop: {
          headers: [
            'authorization',
            `Bearer ${token}`,
            'cookie',
            'sid=verysecret; theme=dark',
            'x-note',
            token,
          ],
          path: '/hooks',
          query: `client_secret=${'aB3dE6gH9'.repeat(3)}&page=2`,
          method: 'POST',
        },
        requestBody: recordedBody(JSON.stringify({ nested: JSON.stringify({ token }) })),
        response: recordedResponse(['content-encoding', 'gzip'], zlib.gzipSync(`my key is ${token}.`)),
      }),
      rules: [
        { when: {}, then: { action: 'mock', response: { headers: { 'x-key': token }, body: 'fine' } } },
      ],
      fixtures: [{ tokens: [token] }],
      note: `do not tell ${token}`,
    };
    const { document: scrubbed, findings } = new Scrubber().scrub(document);
    const text = serializeCase(scrubbed);
    for (const secret of [token, 'verysecret', 'aB3dE6gH9']) assert.ok(!text.includes(secret), text);
    assert.match(text, /theme=\[redacted:[0-9a-f]{12}\]/);
    assert.match(text, /my key is \[redacted:[0-9a-f]{12}\]\./);
    assert.match(text, /&page=2/);
    const kinds = findings.map(({ kind }) => kind);
    assert.deepEqual(kinds.filter((kind) => kind === 'secret-header').length, 2);
    assert.ok(kinds.includes('named-value') && kinds.includes('github-token'));
    assert.deepEqual(
      findings.map(({ pointer }) => pointer).filter((pointer) => !pointer.startsWith('/traces/0/')),
      ['/rules/0/then/response/headers/x-key', '/fixtures/0/tokens/0', '/note'],
    );
    assert.ok(!JSON.stringify(findings).includes(token));
  });

  it('finds a secret that is a name, and does not tell it in a pointer', () => {
    const document = { ...caseOf({}), byToken: { [token]: { again: token } } };
    const { document: scrubbed, findings } = new Scrubber().scrub(document);
    assert.ok(!serializeCase(scrubbed).includes(token));
    assert.equal(findings.length, 2);
    assert.ok(!JSON.stringify(findings).includes(token));
  });

  it('points to the text that has the secret', () => {
    const document = caseOf({ response: recordedResponse(['x-note', token], '') });
    const [{ pointer } = { pointer: '' }] = new Scrubber().scrub(document).findings;
    const value = pointer
      .split('/')
      .slice(1)
      .reduce<unknown>((at, name) => Object.getOwnPropertyDescriptor(at, name)?.value, document);
    assert.equal(value, token);
  });

  it('gives a secret the same placeholder everywhere, and changes nothing when it comes again', () => {
    const scrubber = new Scrubber();
    const { document } = scrubber.scrub(
      caseOf({
        hop: { headers: ['x-a', token] },
        response: recordedResponse(json, JSON.stringify({ a: token })),
      }),
    );
    const placeholders = serializeCase(document).match(/\[redacted:[0-9a-f]{12}\]/g) ?? [];
    assert.equal(placeholders.length, 2);
    assert.equal(new Set(placeholders).size, 1);
    assert.equal(new Scrubber().scrub(document).document, document);
  });

  it('leaves JSON bodies JSON', () => {
    const text = scrubbedBody(JSON.stringify({ a: [token, '"'], password: 'hunter2hunter3' }, null, 2));
    const { a, password } = JSON.parse(text);
    assert.match(a[0], /^\[redacted:/);
    assert.match(password, /^\[redacted:/);
  });

  it('leaves of a binary body with a secret nothing, and the text of one that is only encoded', () => {
    const octets = ['content-type', 'application/octet-stream'];
    assert.match(scrubbedBody(zlib.gzipSync(token), octets), /^\[redacted:[0-9a-f]{12}\]$/);
    assert.match(scrubbedBody(`before ${token} after`, octets), /^before \[redacted:[0-9a-f]{12}\] after$/);
  });

  it('finds named secrets in any encoding', () => {
    const secret = 'open sesame!';
    const bodies = [
      secret,
      encodeURIComponent(secret),
      Buffer.from(secret).toString('base64'),
      zlib.gzipSync(secret),
      zlib.brotliCompressSync(secret),
    ];
    const document = caseOf(
      ...bodies.map((body) => ({
        response: recordedResponse(['content-type', 'application/octet-stream'], body),
      })),
    );
    const { findings } = new Scrubber({ defaults: false }, [secret]).scrub(document);
    assert.deepEqual(
      findings.map(({ kind }) => kind),
      bodies.map(() => 'known-secret'),
    );
  });
});

describe('rules for scrubbing', () => {
  it('hide headers, body paths and patterns', () => {
    const rules: ScrubRules = {
      defaults: false,
      redactHeaders: ['X-Tenant'],
      redactBodyPaths: ['$.card.number'],
      redactPatterns: ['ACME-[0-9]{4}', '"pin":"([0-9]+)"'],
    };
    const { document, findings } = new Scrubber(rules).scrub(
      caseOf({
        hop: { headers: ['x-tenant', 'blue', 'authorization', 'Bearer x'] },
        response: recordedResponse(json, '{"card":{"number":"4111"},"who":"ACME-1234","pin":"77"}'),
      }),
    );
    assert.deepEqual(
      findings.map(({ kind }) => kind),
      ['secret-header', 'body-path', 'pattern', 'pattern'],
    );
    const text = serializeCase(document);
    assert.match(text, /Bearer x/);
    assert.match(text, /\\"number\\":\\"\[redacted:/);
    assert.match(text, /\\"pin\\":\\"\[redacted:[0-9a-f]{12}\]\\"/);
  });

  it('that cannot be followed are all told, with a pointer', () => {
    assert.throws(
      () => new Scrubber({ redactBodyPaths: ['$.fine', 'card'], redactPatterns: ['(?=x)'] }),
      (error) => {
        assert.ok(error instanceof InvalidScrubRulesError);
        assert.deepEqual(
          error.issues.map(({ pointer }) => pointer),
          ['/redactBodyPaths/1', '/redactPatterns/0'],
        );
        return true;
      },
    );
  });

  it('reach an end, whatever the patterns: a second scrub changes nothing', () => {
    const pattern = fc.constantFrom(
      '.',
      '.*',
      '[0-9a-f]+',
      'a(b*)',
      '\\[',
      'secret=.*',
      'redacted',
      '[^ ]+$',
      '^.',
    );
    const text = fc.string({
      unit: fc.constantFrom('a', 'b', '7', ' ', '[', ']', 'secret=', '[redacted:0f1e2d3c4b5a]'),
    });
    fc.assert(
      fc.property(pattern, text, (expression, body) => {
        const rules: ScrubRules = { defaults: false, redactPatterns: [expression] };
        const plain = ['content-type', 'text/plain'];
        const once = new Scrubber(rules).scrub(caseOf({ response: recordedResponse(plain, body) })).document;
        assert.deepEqual(new Scrubber(rules).scrub(once).findings, []);
      }),
    );
  });
});

describe('a scrubbed case', () => {
  it('keeps its traces and members in their order, and is told of trace by trace', () => {
    const document = { ...caseOf({ response: recordedResponse([], token) }, {}, {}), note: token };
    const done: number[] = [];
    const scrubbed = new Scrubber().scrub(document, (count) => done.push(count));
    assert.deepEqual(done, [1, 2, 3]);
    assert.deepEqual(Object.keys(scrubbed.document), Object.keys(document));
    assert.deepEqual(scrubbed.document.traces.slice(1), document.traces.slice(1));
    assert.deepEqual(
      scrubbed.findings.map(({ pointer }) => pointer.replace(/\/resourceSpans.*/, '')),
      ['/traces/0', '/note'],
    );
  });

  it('has no secret that a check would find, wherever it stood', () => {
    const encodings: ((text: string) => string)[] = [
      (text) => text,
      (text) => Buffer.from(text).toString('base64'),
      (text) => encodeURIComponent(`?${text}&`),
      (text) => JSON.stringify({ a: [text] }),
      (text) => zlib.gzipSync(text).toString('base64'),
      (text) => `key=${text}; "${text}" <${text}>`,
    ];
    const secret = fc.constantFrom(token, 'postgres://a:hunter2@db/x', `Bearer ${token}`, 'known secret');
    const place = fc.constantFrom('header', 'request', 'response', 'query', 'note');
    fc.assert(
      fc.property(
        secret,
        fc.array(fc.constantFrom(...encodings), { maxLength: 3 }),
        place,
        (value, ways, where) => {
          const text = ways.reduce((coded, way) => way(coded), value);
          const document = {
            ...caseOf({
              hop: {
                method: 'POST',
                headers: where === 'header' ? ['x-note', text] : [],
                query: where === 'query' ? `q=${encodeURIComponent(text)}` : undefined,
              },
              requestBody: recordedBody(where === 'request' ? text : ''),
              response: recordedResponse([], where === 'response' ? text : ''),
            }),
            note: where === 'note' ? text : '',
          };
          const first = new Scrubber({}, ['known secret']).scrub(document);
          assert.ok(first.findings.length > 0);
          assert.deepEqual(new Scrubber({}, ['known secret']).scrub(first.document).findings, []);
        },
      ),
      { numRuns: 200 },
    );
  });
});
