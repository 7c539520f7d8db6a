import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Exchange,
  exchangeFromSpan,
  hopFromSpan,
  type KeyValue,
  type RawHeaders,
  type RecordedBody,
  type Span,
  tracesFromExchange,
} from '../../src/cases/index.ts';
import { onlySpan } from './support/attributes.ts';
import { exchangeWith, recordedBody, recordedResponse } from './support/exchange.ts';

/** A span with these attributes: strings, ints as numbers, arrays as arrays. */
function spanWith(attributes: Record<string, string | number | boolean | string[]>, span: Span = {}): Span {
  return { ...span, attributes: Object.entries(attributes).map(([key, value]) => keyValue(key, value)) };
}

function keyValue(key: string, value: string | number | boolean | string[]): KeyValue {
  if (typeof value === 'string') return { key, value: { stringValue: value } };
  if (typeof value === 'number') return { key, value: { intValue: value } };
  if (typeof value === 'boolean') return { key, value: { boolValue: value } };
  return { key, value: { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } } };
}

describe('an exchange that was written is read back as it was', () => {
  const latin1 = fc
    .string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 20,
    })
    // White space around a value is no part of it (RFC 9110 section 5.5).
    .map((value) => value.replace(/^[ \t]+|[ \t]+$/g, ''));
  const names = fc.constantFrom(
    'accept',
    'x-a',
    'set-cookie',
    'content-type',
    'etag',
    '__proto__',
    'constructor',
  );
  // Repeats stand together: a span does not tell where the others of a repeated field stood.
  const headers = fc
    .dictionary(names, fc.array(latin1, { minLength: 1, maxLength: 3 }))
    .map((fields) =>
      Object.entries(fields).flatMap(([name, values]) => values.flatMap((value) => [name, value])),
    );
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 50 }),
    fc.string({ unit: 'binary', maxLength: 50 }).map((text) => new Uint8Array(Buffer.from(text))),
  );
  const isAscii = ({ bytes }: RecordedBody) => bytes.every((byte) => byte < 0x80);
  const bodies = fc.tuple(contents, fc.boolean()).map(([bytes, truncated]): RecordedBody => {
    // A text that was cut loses the character that was cut.
    const isCut = truncated && isAscii({ bytes, size: 0, truncated });
    return { bytes, size: isCut ? bytes.length + 1000 : bytes.length, truncated: isCut };
  });
  const hex = (length: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
  const times = fc.double({ min: 1.6e12, max: 2e12, noNaN: true });
  const paths = fc.constantFrom('/', '/a//b/../%2F', '/a#b', '*', '/\xe9');

  const untied: fc.Arbitrary<Exchange> = fc.record({
    hop: fc.record({
      direction: fc.constantFrom('inbound' as const, 'outbound' as const),
      sessionId: fc.string(),
      service: fc.string(),
      method: fc.constantFrom('GET', 'POST', 'M-SEARCH', 'get'),
      scheme: fc.constantFrom('http' as const, 'https' as const),
      host: fc.constantFrom('a.example', 'a.example:8080', '[::1]:80'),
      path: paths,
      query: fc.option(fc.constantFrom('', 'a=1', '?', 'a=b?c#d'), { nil: undefined }),
      headers,
    }),
    trace: fc.record({
      traceId: hex(32),
      spanId: hex(16).map((id) => `a${id.slice(1)}`),
      parentSpanId: fc.option(
        hex(16).map((id) => `b${id.slice(1)}`),
        { nil: undefined },
      ),
      flags: fc.integer({ min: 0, max: 255 }),
    }),
    startTime: times,
    endTime: times,
    httpVersion: fc.constantFrom('1.0', '1.1', '2'),
    requestBody: bodies,
    requestTrailers: headers,
    response: fc.option(
      fc.record({
        status: fc.integer({ min: 100, max: 999 }),
        reason: fc.constant(''),
        httpVersion: fc.constant('1.1'),
        headers,
        trailers: headers,
        body: bodies,
      }),
      { nil: undefined },
    ),
    failure: fc.option(fc.record({ type: fc.constantFrom('timeout', 'ECONNRESET'), message: fc.string() }), {
      nil: undefined,
    }),
    outcome: fc.constantFrom(
      'mock' as const,
      'forward' as const,
      'strict-miss' as const,
      'proxy-error' as const,
    ),
    rule: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
    redaction: fc.constant(undefined),
  });

  const attributions = fc.constantFrom(
    undefined,
    'header' as const,
    'tracestate' as const,
    'baggage' as const,
    'trace-id' as const,
    'proxy-credential' as const,
    'sole-session' as const,
  );

  const anyExchanges = fc.tuple(untied, attributions).map(([{ hop, trace, ...exchange }, attribution]) => {
    const { traceId } = trace;
    const tied = { ...hop, ...(!/^0+$/.test(traceId) && { traceId }), ...(attribution && { attribution }) };
    return { ...exchange, trace, hop: tied };
  });

  // As with a cut: what is left of a character at the end of a body that broke off is not kept.
  const exchanges = anyExchanges.filter(
    ({ failure, requestBody, response }) =>
      failure === undefined || (isAscii(requestBody) && (response === undefined || isAscii(response.body))),
  );

  /** What a span keeps of an exchange. */
  function kept(exchange: Exchange): unknown {
    const { attributes: _, body: __, ...hop } = exchange.hop;
    return {
      ...exchange,
      trace: { ...exchange.trace },
      failure: exchange.failure && { ...exchange.failure },
      hop: { ...hop, headers: sorted(hop.headers) },
      endTime: Math.max(exchange.startTime, exchange.endTime),
      requestBody: { ...exchange.requestBody, bytes: Buffer.from(exchange.requestBody.bytes) },
      requestTrailers: sorted(exchange.requestTrailers),
      response: exchange.response && {
        ...exchange.response,
        httpVersion: exchange.httpVersion,
        headers: sorted(exchange.response.headers),
        trailers: sorted(exchange.response.trailers),
        body: { ...exchange.response.body, bytes: Buffer.from(exchange.response.body.bytes) },
      },
    };
  }

  function sorted(flat: RawHeaders): string[][] {
    const pairs: string[][] = [];
    for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i] ?? '', flat[i + 1] ?? '']);
    return pairs.sort(([a = ''], [b = '']) => (a < b ? -1 : a > b ? 1 : 0));
  }

  test('for any exchange, also through JSON text', () => {
    fc.assert(
      fc.property(exchanges, (exchange) => {
        const json: unknown = JSON.parse(JSON.stringify(onlySpan(tracesFromExchange(exchange))));
        assert.deepEqual(kept(exchangeFromSpan(json as Span)), kept(exchange));
      }),
      { numRuns: 300 },
    );
  });

  test('and written again gives the same span', () => {
    fc.assert(
      fc.property(exchanges, (exchange) => {
        const traces = tracesFromExchange(exchange);
        assert.deepEqual(tracesFromExchange(exchangeFromSpan(onlySpan(traces))), traces);
      }),
      { numRuns: 100 },
    );
  });

  test('a body that was content-coded is held decoded, and says so', () => {
    const coded = Buffer.from('H4sIAAAAAAAAA6tWys9WsiopKk2tBQCQX9SnCwAAAA==', 'base64');
    const headers = ['content-type', 'application/json', 'content-encoding', 'gzip'];
    const traces = tracesFromExchange(exchangeWith({ response: recordedResponse(headers, coded) }));
    const body = exchangeFromSpan(onlySpan(traces)).response?.body;
    assert.equal(Buffer.from(body?.bytes ?? '').toString(), '{"ok":true}');
    assert.deepEqual([body?.decoded, body?.size], [true, coded.length]);
  });

  test('a body that could not be decoded is held as it was on the wire', () => {
    const headers = ['content-type', 'application/json', 'content-encoding', 'gzip'];
    const traces = tracesFromExchange(exchangeWith({ response: recordedResponse(headers, 'not gzip') }));
    const body = exchangeFromSpan(onlySpan(traces)).response?.body;
    assert.deepEqual([Buffer.from(body?.bytes ?? '').toString(), body?.decoded], ['not gzip', undefined]);
  });
});

describe('what older writers and other tools produced is read as well', () => {
  test('attributes of the older semantic conventions', () => {
    const { hop, response } = exchangeFromSpan(
      spanWith({
        'http.method': 'PUT',
        'http.url': 'HTTPS://u:p@shop.example/a/b?c=d#e',
        'http.status_code': 404,
      }),
    );
    assert.deepEqual(
      [hop.method, hop.scheme, hop.host, hop.path, hop.query, response?.status],
      ['PUT', 'https', 'shop.example', '/a/b', 'c=d', 404],
    );
  });

  test('a target with its query', () => {
    const hop = hopFromSpan(spanWith({ 'http.target': '/a?b=c?d', 'http.host': 'h:81' }));
    assert.deepEqual([hop.host, hop.path, hop.query], ['h:81', '/a', 'b=c?d']);
  });

  test('pseudo-headers, which are no headers', () => {
    const { hop, response } = exchangeFromSpan(
      spanWith({
        'http.request.header.:method': 'DELETE',
        'http.request.header.:path': '/x?y=1',
        'http.request.header.:authority': 'api.example',
        'http.request.header.:scheme': 'https',
        'http.response.header.:status': '204',
        'http.request.header.X-A': ['1', '2'],
      }),
    );
    assert.deepEqual(
      [hop.method, hop.scheme, hop.host, hop.path, hop.query],
      ['DELETE', 'https', 'api.example', '/x', 'y=1'],
    );
    assert.deepEqual(hop.headers, ['x-a', '1', 'x-a', '2']);
    assert.deepEqual([response?.status, response?.headers], [204, []]);
  });

  test('a query left inside url.path, with and without an empty url.query', () => {
    assert.deepEqual(target({ 'url.path': '/a?b=1' }), ['/a', 'b=1']);
    assert.deepEqual(target({ 'url.path': '/a?b=1', 'url.query': '' }), ['/a', 'b=1']);
    assert.deepEqual(target({ 'url.path': '/a?b=1', 'url.query': 'b=1' }), ['/a', 'b=1']);
    assert.deepEqual(target({ 'url.path': '/a', 'url.query': '', 'url.full': 'http://h/a' }), [
      '/a',
      undefined,
    ]);
    assert.deepEqual(target({ 'url.path': '/a', 'url.query': '' }), ['/a', '']);
    assert.deepEqual(target({ 'url.path': 'a' }), ['/a', undefined]);
    assert.deepEqual(target({}), ['/', undefined]);
  });

  function target(attributes: Record<string, string>): (string | undefined)[] {
    const { path, query } = hopFromSpan(spanWith(attributes));
    return [path, query];
  }

  test('base64 ids, times and kind as names and numbers', () => {
    const { trace, startTime, hop } = exchangeFromSpan({
      traceId: 'S/kvNXezTaajzpKdDg5HNg==',
      spanId: 'APBnqgupArc=',
      parentSpanId: '',
      startTimeUnixNano: 1_500_000_000,
      kind: 'SPAN_KIND_SERVER',
    });
    assert.deepEqual(
      [trace.traceId, trace.spanId, trace.parentSpanId, startTime, hop.direction],
      ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7', undefined, 1500, 'inbound'],
    );
  });

  test('a span that is its own parent has none', () => {
    const spanId = '00f067aa0ba902b7';
    assert.equal(exchangeFromSpan({ spanId, parentSpanId: 'APBnqgupArc=' }).trace.parentSpanId, undefined);
  });

  test('the service of the resource', () => {
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'cart' } }] };
    assert.equal(hopFromSpan({}, resource).service, 'cart');
    assert.equal(hopFromSpan(spanWith({ 'sp.service.name': 'shop' }), resource).service, 'shop');
  });

  test('host and port apart, or only a Host header', () => {
    assert.equal(
      hopFromSpan(spanWith({ 'server.address': 'db.example', 'server.port': 8443 })).host,
      'db.example:8443',
    );
    assert.equal(hopFromSpan(spanWith({ 'http.request.header.host': 'h.example' })).host, 'h.example');
  });

  test('binary bodies in base64 that do not say so', () => {
    const { response } = exchangeFromSpan(
      spanWith({
        'http.status_code': '200',
        'http.response.header.content-type': 'image/png',
        'http.response.body': 'iVBORw==',
      }),
    );
    assert.equal(Buffer.from(response?.body.bytes ?? '').toString('hex'), '89504e47');
  });

  test('text beyond latin-1 in a header becomes its UTF-8 octets', () => {
    assert.deepEqual(hopFromSpan(spanWith({ 'http.request.header.x-a': '€é' })).headers, [
      'x-a',
      'â\u0082¬Ã©',
    ]);
  });

  test('OpenTelemetry marks a complete 500 as an error; the hop did not fail', () => {
    const span = spanWith({ 'http.response.status_code': 500, 'error.type': '500' }, { status: { code: 2 } });
    assert.equal(exchangeFromSpan(span).failure, undefined);
    const failed = exchangeFromSpan({ status: { code: 'STATUS_CODE_ERROR', message: 'broken' } });
    assert.deepEqual(failed.failure, { type: 'error', message: 'broken' });
  });
});

describe('hopFromSpan', () => {
  test('has all attributes of the span', () => {
    const hop = hopFromSpan(
      spanWith({ 'my.tag': 'x', 'my.number': 7, 'my.flag': true, 'my.list': ['a', 'b'] }),
    );
    assert.deepEqual(
      [...(hop.attributes ?? [])],
      [
        ['my.tag', 'x'],
        ['my.number', 7],
        ['my.flag', true],
        ['my.list', ['a', 'b']],
      ],
    );
  });

  test('its body is empty where there was none, and null where only the beginning was kept', () => {
    assert.deepEqual(hopFromSpan({}).body, Buffer.alloc(0));
    const truncated = { ...recordedBody('{"a"'), truncated: true };
    assert.equal(
      hopFromSpan(onlySpan(tracesFromExchange(exchangeWith({ requestBody: truncated })))).body,
      null,
    );
  });

  test('belongs to the trace of the span, unless the id is none', () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    assert.equal(hopFromSpan({ traceId }).traceId, traceId);
    for (const none of ['', '0'.repeat(32), 'xyz']) assert.ok(!('traceId' in hopFromSpan({ traceId: none })));
  });

  test('believes no attribution that does not exist', () => {
    const attributionOf = (value: string) =>
      hopFromSpan(spanWith({ 'sp.session.attribution': value })).attribution;
    assert.equal(attributionOf('baggage'), 'baggage');
    assert.equal(attributionOf('__proto__'), undefined);
  });

  test('reads any attributes without throwing', () => {
    const keys = fc.constantFrom(
      ...[
        'http.request.method',
        'url.full',
        'url.path',
        'url.query',
        'http.target',
        'http.request.header.a',
        'url.host',
      ],
      ...[
        'http.request.header.',
        'http.request.header.host',
        'http.response.status_code',
        'http.response.body',
        'error.type',
      ],
      ...[
        'http.response.body.size',
        'http.request.body',
        'http.request.body.encoding',
        '__proto__',
        'sp.outcome',
      ],
    );
    const values = fc.oneof(
      fc.string().map((stringValue) => ({ stringValue })),
      fc.integer().map((intValue) => ({ intValue })),
      fc.string().map((intValue) => ({ intValue })),
      fc.boolean().map((boolValue) => ({ boolValue })),
      fc
        .array(fc.string())
        .map((items) => ({ arrayValue: { values: items.map((stringValue) => ({ stringValue })) } })),
      fc.constant({}),
    );
    const span = fc.record(
      {
        traceId: fc.string(),
        startTimeUnixNano: fc.oneof(fc.string(), fc.double()),
        kind: fc.oneof(fc.string(), fc.integer()),
        attributes: fc.array(fc.record({ key: keys, value: values })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(span, (read) => {
        const { hop } = exchangeFromSpan(read);
        assert.ok(hop.path.startsWith('/') || hop.path === '*');
      }),
      { numRuns: 300 },
    );
  });
});
