import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type Exchange, serializeCase, tracesFromExchange } from '../../src/cases/index.ts';
import { attributesOf, onlySpan } from './support/attributes.ts';
import { exchangeWith, recordedBody, recordedResponse } from './support/exchange.ts';

/** One exchange of each kind; test/golden/cases/exchanges.case.json is what they look like in a file. */
const EXCHANGES: readonly Exchange[] = [
  exchangeWith({
    hop: {
      direction: 'inbound',
      method: 'POST',
      host: '127.0.0.1:8082',
      path: '/checkout',
      query: 'a=1&b=%20',
      headers: [
        ...['Host', '127.0.0.1:8082', 'Content-Type', 'application/json', 'X-Softprobe-Session-Id', 'sess_1'],
        ...[
          'Connection',
          'keep-alive, x-hop',
          'X-Hop',
          '1',
          'Accept',
          'text/html',
          'accept',
          '*/*',
          'X-Empty',
          '',
        ],
      ],
    },
    trace: {
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '00f067aa0ba902b7',
      parentSpanId: '53995c3f42cd8ad8',
      flags: 1,
    },
    requestBody: recordedBody('{"items":[7],"note":"für 😀"}'),
    requestTrailers: ['X-Sum', '1'],
    response: {
      ...recordedResponse(
        [
          ...[
            'Content-Type',
            'application/json',
            'Content-Encoding',
            'gzip',
            'Set-Cookie',
            'a=1',
            'Set-Cookie',
          ],
          ...['b=2; Path=/', 'Transfer-Encoding', 'chunked', 'X-Latin', 'caf\xe9'],
        ],
        // Bytes of another zlib could differ in length, and the file has the length.
        Buffer.from('H4sIAAAAAAAAA6tWys9WsiopKk2tBQCQX9SnCwAAAA==', 'base64'),
        201,
      ),
      trailers: ['X-Checksum', 'abc'],
    },
  }),
  exchangeWith({
    hop: { path: '/logo.png', headers: ['host', 'stock.example:8090'] },
    response: {
      ...recordedResponse(['content-type', 'image/png'], Buffer.from([0x89, 0x50, 0x4e, 0x47])),
      body: { bytes: Buffer.from([0x89, 0x50, 0x4e, 0x47]), size: 2_000_000, truncated: true },
    },
    outcome: 'mock',
    rule: 'logo',
  }),
  exchangeWith({
    hop: { method: 'OPTIONS', path: '*', scheme: 'https', host: '[::1]:8443' },
    response: undefined,
    failure: { type: 'ECONNREFUSED', message: 'connect ECONNREFUSED ::1:8443' },
    outcome: 'proxy-error',
  }),
];

test('exchanges in a case file look as the golden file has them', () => {
  const text = serializeCase({
    version: '1.0.0',
    caseId: 'golden',
    mode: 'capture',
    createdAt: '2026-01-01T00:00:00.000Z',
    traces: EXCHANGES.map((exchange) => tracesFromExchange(exchange)),
  });
  const golden = new URL('../golden/cases/exchanges.case.json', import.meta.url);
  assert.equal(text, readFileSync(golden, 'utf8'));
});

describe('tracesFromExchange', () => {
  test('writes a size but no body where none was recorded', () => {
    const attributes = attributesOf(tracesFromExchange(exchangeWith()));
    assert.equal(attributes.get('http.request.body.size'), 0);
    assert.equal(attributes.has('http.request.body'), false);
    assert.equal(attributes.has('http.request.body.truncated'), false);
  });

  test('an ordinary hop names neither outcome nor rule; one that a rule let pass names the rule', () => {
    const plain = attributesOf(tracesFromExchange(exchangeWith()));
    assert.deepEqual([plain.has('sp.outcome'), plain.has('sp.rule')], [false, false]);
    const passed = attributesOf(tracesFromExchange(exchangeWith({ rule: 'let it pass' })));
    assert.deepEqual([passed.get('sp.outcome'), passed.get('sp.rule')], [undefined, 'let it pass']);
  });

  test('says what tied the hop to its session, where that is known', () => {
    const attributionOf = (exchange: Exchange) =>
      attributesOf(tracesFromExchange(exchange)).get('sp.session.attribution');
    assert.equal(attributionOf(exchangeWith({ hop: { attribution: 'trace-id' } })), 'trace-id');
    assert.equal(attributionOf(exchangeWith()), undefined);
  });

  test('keeps an empty query apart from none', () => {
    const attributes = attributesOf(tracesFromExchange(exchangeWith({ hop: { query: '' } })));
    assert.equal(attributes.get('url.query'), '');
    assert.equal(attributes.get('url.full'), 'http://stock.example:8090/items/7?');
  });

  test('never writes a user name and password', () => {
    const traces = tracesFromExchange(exchangeWith({ hop: { host: 'me:hunter2@stock.example' } }));
    assert.equal(attributesOf(traces).get('url.full'), 'http://stock.example/items/7');
    assert.equal(JSON.stringify(traces).includes('hunter2'), false);
  });

  test('never makes a span its own parent', () => {
    const trace = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentSpanId: 'b'.repeat(16), flags: 0 };
    assert.equal('parentSpanId' in onlySpan(tracesFromExchange(exchangeWith({ trace }))), false);
  });

  test('writes times in nanoseconds without the error of floating point', () => {
    const span = onlySpan(
      tracesFromExchange(exchangeWith({ startTime: 1_767_225_600_123, endTime: 1_767_225_600_123.5 })),
    );
    assert.equal(span.startTimeUnixNano, '1767225600123000000');
    assert.equal(span.endTimeUnixNano, '1767225600123500000');
  });

  test('an exchange that is still in flight does not end before it starts', () => {
    const span = onlySpan(tracesFromExchange(exchangeWith({ endTime: 0 })));
    assert.equal(span.endTimeUnixNano, span.startTimeUnixNano);
  });

  test('keeps what could be decoded of a body whose sender broke off', () => {
    const text = Array.from({ length: 5000 }, (_, i) => `${i * 7}`).join(' ');
    const whole = gzipSync(text);
    const exchange = exchangeWith({
      response: recordedResponse(
        ['content-type', 'text/plain', 'content-encoding', 'gzip'],
        whole.subarray(0, whole.length >> 1),
      ),
      failure: { type: 'aborted', message: 'the upstream broke off' },
    });
    const attributes = attributesOf(tracesFromExchange(exchange));
    const body = String(attributes.get('http.response.body'));
    assert.ok(body.length > 100 && text.startsWith(body));
    assert.equal(attributes.get('error.type'), 'aborted');
    assert.deepEqual(onlySpan(tracesFromExchange(exchange)).status, {
      code: 2,
      message: 'the upstream broke off',
    });
  });

  test('what a capture_only rule wants hidden is hidden also where redaction is off', () => {
    const exchange = exchangeWith({
      hop: { headers: ['Authorization', 'Bearer abc', 'X-Note', 'hide me'] },
      redaction: { headers: ['x-note'], bodyPaths: ['$.left'] },
    });
    const attributes = attributesOf(tracesFromExchange(exchange));
    assert.match(String(attributes.get('http.request.header.x-note')), /^\[redacted:[0-9a-f]{12}\]$/);
    assert.match(String(attributes.get('http.response.body')), /^\{"left":"\[redacted:[0-9a-f]{12}\]"\}$/);
    assert.equal(attributes.get('http.request.header.authorization'), 'Bearer abc');
  });
});
