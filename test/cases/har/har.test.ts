import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import fc from 'fast-check';
import { harFromCase } from '../../../src/cases/har/har-export.ts';
import { caseFromHar } from '../../../src/cases/har/har-import.ts';
import {
  type CaseDocument,
  exchangeFromSpan,
  InvalidDocumentError,
  parseCase,
  Redactor,
  serializeCase,
  spansOf,
  tracesFromExchange,
} from '../../../src/cases/index.ts';
import { type ExchangeParts, exchangeWith, recordedBody, recordedResponse } from '../support/exchange.ts';

function caseOf(...parts: ExchangeParts[]): CaseDocument {
  return {
    version: '1.0.0',
    caseId: 'archived',
    traces: parts.map((part) => tracesFromExchange(exchangeWith(part))),
  };
}

/** The case that becomes of a case that went through an archive in a file. */
function throughHar(document: CaseDocument): CaseDocument {
  const text = JSON.stringify(harFromCase(document, '1.2.3'));
  const { document: imported, skipped } = caseFromHar(JSON.parse(text), { caseId: 'unused' });
  assert.deepEqual(skipped, []);
  return imported;
}

/** The exchanges of an archive that others wrote. */
function exchangesOf(entries: unknown[], redactor?: Redactor) {
  const { document, skipped } = caseFromHar(
    { log: { version: '1.2', creator: { name: 'somebody', version: '1' }, entries } },
    { caseId: 'foreign', redactor },
  );
  const exchanges = Array.from(spansOf(document), ({ span, resource }) => exchangeFromSpan(span, resource));
  return { exchanges, skipped, document };
}

/** The only exchange of an archive of one entry. */
function exchangeOf(request: object, response: object, entry: object = {}) {
  const { exchanges } = exchangesOf([
    {
      startedDateTime: '2026-11-20T12:00:00.250+01:00',
      time: 12.5,
      request: { method: 'GET', url: 'https://shop.example/items?q=1#top', ...request },
      response: { status: 200, ...response },
      ...entry,
    },
  ]);
  const [only] = exchanges;
  assert.ok(only !== undefined && exchanges.length === 1);
  return only;
}

describe('a case in an archive', () => {
  it('says everything where HAR has a place for it', () => {
    const { log } = harFromCase(
      caseOf({
        hop: {
          method: 'POST',
          query: 'a=1&b=x%20y',
          headers: ['Content-Type', 'application/json', 'cookie', 'sid=1; theme=dark'],
        },
        requestBody: recordedBody('{"n":1}'),
        response: recordedResponse(
          [
            'content-type',
            'text/plain',
            'content-encoding',
            'gzip',
            'set-cookie',
            'a=b; Path=/; HttpOnly',
            'location',
            '/there',
          ],
          zlib.gzipSync('hello '.repeat(20)),
          302,
        ),
      }),
      '1.2.3',
    );
    assert.equal(log.version, '1.2');
    assert.deepEqual(log.creator, { name: 'softprobe-proxy', version: '1.2.3' });
    const [entry] = log.entries;
    assert.ok(entry);
    assert.equal(entry.startedDateTime, '2026-01-01T00:00:00.000Z');
    assert.equal(entry.time, 12.25);
    const { request, response } = entry;
    assert.equal(request.url, 'http://stock.example:8090/items/7?a=1&b=x%20y');
    assert.deepEqual(request.queryString, [
      { name: 'a', value: '1' },
      { name: 'b', value: 'x y' },
    ]);
    assert.deepEqual(request.postData, { mimeType: 'application/json', text: '{"n":1}' });
    assert.deepEqual(
      request.cookies.map(({ name, value }) => [name, value]),
      [
        ['sid', '1'],
        ['theme', 'dark'],
      ],
    );
    assert.equal(response.status, 302);
    assert.equal(response.redirectURL, '/there');
    assert.equal(response.content.text, 'hello '.repeat(20));
    assert.equal(response.content.size, 120);
    assert.equal(response.content.compression, 120 - response.bodySize);
    assert.deepEqual(response.cookies, [{ name: 'a', value: 'b', path: '/', httpOnly: true, secure: false }]);
    const { send, wait, receive } = entry.timings;
    assert.equal((send ?? 0) + wait + (receive ?? 0), entry.time);
  });

  for (const name of ['exchanges', 'foreign']) {
    it(`imports back to an equal case: ${name}.case.json`, async () => {
      const file = new URL(`../../golden/cases/${name}.case.json`, import.meta.url);
      const document = parseCase(await readFile(file, 'utf8'));
      assert.equal(serializeCase(throughHar(document)), serializeCase(document));
    });
  }

  it('imports back to an equal case, also of spans that are not ours', () => {
    const [ours] = caseOf({}).traces;
    const span = {
      name: 'GET',
      attributes: [{ key: 'http.method', value: { stringValue: 'GET' } }],
      mark: 1,
    };
    const document: CaseDocument = {
      version: '1.4.0',
      caseId: 'mixed',
      suite: 'checkout',
      createdAt: 'yesterday',
      rules: [{ when: {}, then: { action: 'passthrough' } }],
      extra: { kept: true },
      traces: [
        { resourceSpans: [] },
        ours ?? { resourceSpans: [] },
        { resourceSpans: [{ scopeSpans: [{ spans: [span, span] }] }] },
        { resourceSpans: [{}], unknown: 'kept' },
      ],
    };
    assert.deepEqual(throughHar(document), document);
  });

  const header = fc.tuple(
    fc.constantFrom(
      'x-a',
      'X-B',
      'accept',
      'cookie',
      'content-type',
      'content-encoding',
      'host',
      'set-cookie',
    ),
    fc.constantFrom('1', '', 'é', 'text/plain', 'application/json', 'gzip', 'a=b; c', 'x\u00ff', 'image/png'),
  );
  const headers = fc.array(header, { maxLength: 6 }).map((fields) => fields.flat());
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 40 }).map((bytes) => recordedBody(bytes)),
    fc.string().map((text) => recordedBody(text)),
    fc.string().map((text) => recordedBody(zlib.gzipSync(text))),
    fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => ({ bytes, size: 100, truncated: true })),
  );
  const time = fc.double({ min: 1e12, max: 2e12, noNaN: true });
  const exchange = fc
    .record({
      hop: fc.record({
        direction: fc.constantFrom('inbound' as const, 'outbound' as const),
        sessionId: fc.string(),
        service: fc.string(),
        method: fc.constantFrom('GET', 'POST', 'OPTIONS', 'get', 'M-SEARCH'),
        scheme: fc.constantFrom('http' as const, 'https' as const),
        host: fc.constantFrom('a.example', '127.0.0.1:8080', '[::1]:1', ''),
        path: fc.constantFrom('/', '*', '/a%20b', '//x', '/ä'),
        query: fc.constantFrom(undefined, '', 'a=1', 'a=%zz?'),
        headers,
        attribution: fc.constantFrom(undefined, 'header' as const, 'trace-id' as const),
      }),
      startTime: time,
      duration: fc.double({ min: 0, max: 1e5, noNaN: true }),
      httpVersion: fc.constantFrom('1.0', '1.1', '2'),
      requestBody: body,
      requestTrailers: headers,
      response: fc.option(
        fc.record({
          status: fc.integer({ min: 100, max: 599 }),
          headers,
          trailers: headers,
          body,
        }),
        { nil: undefined },
      ),
      failure: fc.constantFrom(undefined, { type: 'aborted', message: 'gone' }, { type: '500', message: '' }),
      outcome: fc.constantFrom('forward' as const, 'mock' as const, 'proxy-error' as const),
      rule: fc.constantFrom(undefined, 'greeting', ''),
    })
    .map(({ startTime, duration, response, ...parts }) =>
      exchangeWith({
        ...parts,
        startTime,
        endTime: startTime + duration,
        response: response && { ...response, reason: '', httpVersion: parts.httpVersion },
      }),
    );

  it('imports back to an equal case, whatever was recorded', () => {
    fc.assert(
      fc.property(fc.array(exchange, { maxLength: 4 }), (exchanges) => {
        const document: CaseDocument = {
          version: '1.0.0',
          caseId: 'any',
          traces: exchanges.map((one) => tracesFromExchange(one)),
        };
        assert.deepEqual(throughHar(document), document);
      }),
      { numRuns: 300 },
    );
  });

  it('tells ordinary exchanges by their entries alone, so that a change of these counts', () => {
    const har = harFromCase(caseOf({ hop: { headers: ['accept', '*/*'] } }), '1');
    const text = JSON.stringify(har).replace('\\"left\\":3', '\\"left\\":4');
    const { document } = caseFromHar(JSON.parse(text), { caseId: 'x' });
    assert.match(serializeCase(document), /left\\":4/);
  });
});

describe('an archive that others wrote', () => {
  it('becomes outbound hops with their URL, times and trace', () => {
    const { hop, startTime, endTime, trace, response, httpVersion } = exchangeOf(
      {
        httpVersion: 'http/2.0',
        headers: [
          { name: ':method', value: 'GET' },
          { name: ':authority', value: 'shop.example' },
          { name: 'traceparent', value: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
        ],
      },
      {
        httpVersion: 'http/2.0',
        headers: [{ name: 'Content-Type', value: 'text/plain' }],
        content: { size: 2, text: 'hi' },
      },
    );
    assert.deepEqual(
      [hop.direction, hop.scheme, hop.host, hop.path, hop.query],
      ['outbound', 'https', 'shop.example', '/items', 'q=1'],
    );
    assert.deepEqual([startTime, endTime, httpVersion], [1_795_172_400_250, 1_795_172_400_262.5, '2']);
    assert.equal(trace.traceId, '4bf92f3577b34da6a3ce929d0e0e4736');
    assert.notEqual(trace.spanId, '00f067aa0ba902b7');
    assert.deepEqual(hop.headers.slice(0, 2), ['host', 'shop.example']);
    assert.equal(Buffer.from(response?.body.bytes ?? '').toString(), 'hi');
  });

  it('has bodies decoded, in base64 or not, whose sizes may be -1', () => {
    const { response } = exchangeOf(
      { bodySize: -1, headersSize: -1 },
      {
        headers: [
          { name: 'content-type', value: 'image/png' },
          { name: 'content-encoding', value: 'br' },
        ],
        content: { size: 4, mimeType: 'image/png', text: 'iVBORw==', encoding: 'base64' },
        bodySize: -1,
      },
    );
    assert.deepEqual([...(response?.body.bytes ?? [])], [0x89, 0x50, 0x4e, 0x47]);
    assert.equal(response?.body.truncated, false);
  });

  it('may lack a body that the browser did not keep', () => {
    const { response } = exchangeOf({}, { content: { size: 5000, mimeType: 'text/html' }, bodySize: 1200 });
    assert.deepEqual([response?.body.size, response?.body.truncated], [1200, true]);
  });

  it('has cookies, where they are not among the headers', () => {
    const { hop, response } = exchangeOf(
      {
        cookies: [
          { name: 'a', value: '1' },
          { name: 'b', value: '2' },
        ],
      },
      { cookies: [{ name: 'c', value: '3', path: '/', httpOnly: true, secure: true, expires: null }] },
    );
    assert.deepEqual(hop.headers, ['cookie', 'a=1; b=2']);
    assert.deepEqual(response?.headers, ['set-cookie', 'c=3; Path=/; HttpOnly; Secure']);
  });

  it('joins the values of a field by line feeds', () => {
    const { response } = exchangeOf({}, { headers: [{ name: 'set-cookie', value: 'a=1\nb=2' }] });
    assert.deepEqual(response?.headers, ['set-cookie', 'a=1', 'set-cookie', 'b=2']);
  });

  it('has forms by their parameters', () => {
    const params = [{ name: 'a', value: '1' }, { name: 'b' }];
    const { requestBody } = exchangeOf(
      { method: 'POST', postData: { mimeType: 'application/x-www-form-urlencoded', params } },
      {},
    );
    assert.equal(Buffer.from(requestBody.bytes).toString(), 'a=1&b');
  });

  it('has redirects as responses of their own, and failures as status 0', () => {
    const { response } = exchangeOf(
      {},
      { status: 302, headers: [{ name: 'location', value: '/b' }], redirectURL: '/b', content: { size: 0 } },
    );
    assert.equal(response?.status, 302);
    const failed = exchangeOf({}, { status: 0, _error: 'net::ERR_CONNECTION_REFUSED', content: { size: 0 } });
    assert.deepEqual([failed.response, failed.failure?.type], [undefined, 'net::ERR_CONNECTION_REFUSED']);
  });

  it('has entries that are no HTTP, which are told', () => {
    const response = { status: 200 };
    const { exchanges, skipped } = exchangesOf([
      { request: { method: 'GET', url: 'data:text/plain,hello' }, response },
      { request: { method: 'GET', url: 'wss://shop.example/live' }, response: { status: 101 } },
      { request: { method: 'GET', url: 'http://shop.example/' }, response },
    ]);
    assert.equal(exchanges.length, 1);
    assert.deepEqual(
      skipped.map(({ index }) => index),
      [0, 1],
    );
  });

  it('has its secrets redacted, where that is wanted', () => {
    const entry = {
      request: {
        method: 'GET',
        url: 'http://shop.example/',
        headers: [{ name: 'Authorization', value: 'Bearer verysecret' }],
      },
      response: { status: 200 },
    };
    assert.match(serializeCase(exchangesOf([entry], new Redactor()).document), /Bearer \[redacted:/);
    assert.match(serializeCase(exchangesOf([entry]).document), /Bearer verysecret/);
  });

  it('gives the same case each time', () => {
    const entry = { request: { method: 'GET', url: 'http://shop.example/' }, response: { status: 200 } };
    assert.deepEqual(exchangesOf([entry, entry]).document, exchangesOf([entry, entry]).document);
  });

  const wrong: [string, unknown, string][] = [
    ['no object', [], ''],
    ['no log', {}, ''],
    ['no entries', { log: {} }, '/log'],
    ['an entry without a request', { log: { entries: [{ response: { status: 1 } }] } }, '/log/entries/0'],
    [
      'a status that is a text',
      { log: { entries: [{ request: { method: 'GET', url: 'x' }, response: { status: '200' } }] } },
      '/log/entries/0/response/status',
    ],
    [
      'a case without its id',
      { log: { entries: [], _softprobe: { case: { caseId: 7 } } } },
      '/log/_softprobe/case/caseId',
    ],
  ];
  for (const [what, value, pointer] of wrong) {
    it(`is refused with ${what}`, () => {
      assert.throws(
        () => caseFromHar(value, { caseId: 'x' }),
        (error) => error instanceof InvalidDocumentError && error.issues[0]?.pointer === pointer,
      );
    });
  }
});
