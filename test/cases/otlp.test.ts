import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type AnyValue,
  exchangeFromSpan,
  normalizeTraces,
  OtlpError,
  type TracesData,
  tracesFromExchange,
  tracesFromProtobuf,
  tracesToProtobuf,
} from '../../src/cases/index.ts';
import { onlySpan } from './support/attributes.ts';
import { exchangeWith, recordedBody } from './support/exchange.ts';

/** What the OpenTelemetry SDK for JavaScript (@opentelemetry/otlp-transformer 0.223) writes for one span. */
const SDK_BYTES = Buffer.from(
  'CrkCChoKFgoMc2VydmljZS5uYW1lEgYKBHNob3AQABKaAgoMCgVzY29wZRIDMS4yEvoBChBL+S81d7NNpqPOkp0ODkc2EggA8GeqC6kCtxoD' +
    'YT1iIghTmVw/Qs2K2CoISFRUUCBHRVQwAjmQ0P3tUXKGGEEgvLjuUXKGGEoLCgFzEgYKBHRleHRKEAoBaRILGPn//////////wFKDgoBZBIJ' +
    'IQAAAAAAAOA/SgcKAWISAhABShEKAWESDCoKCgMKAXgKAwoBeUoHCgFlEgIKAFABWhkJAQD67VFyhhgSAmV2GggKAWsSAwoBdiABYAJqLAoQ' +
    'ERERERERERERERERERERERIIIiIiIiIiIiIiBwoBbBICGAEoAzUBAQAAcAN6BhICbm8YAoUBAQEAABoNaHR0cDovL3NjaGVtYQ==',
  'base64',
);

/** The same span as the specification's OTLP/JSON. */
const SDK_TRACES: TracesData = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeSpans: [
        {
          scope: { name: 'scope', version: '1.2' },
          spans: [
            {
              traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
              spanId: '00f067aa0ba902b7',
              traceState: 'a=b',
              parentSpanId: '53995c3f42cd8ad8',
              flags: 257,
              name: 'HTTP GET',
              kind: 2,
              startTimeUnixNano: '1767225600000250000',
              endTimeUnixNano: '1767225600012500000',
              attributes: [
                { key: 's', value: { stringValue: 'text' } },
                { key: 'i', value: { intValue: '-7' } },
                { key: 'd', value: { doubleValue: 0.5 } },
                { key: 'b', value: { boolValue: true } },
                { key: 'a', value: { arrayValue: { values: [{ stringValue: 'x' }, { stringValue: 'y' }] } } },
                { key: 'e', value: { stringValue: '' } },
              ],
              droppedAttributesCount: 1,
              events: [
                {
                  timeUnixNano: '1767225600000000001',
                  name: 'ev',
                  attributes: [{ key: 'k', value: { stringValue: 'v' } }],
                  droppedAttributesCount: 1,
                },
              ],
              droppedEventsCount: 2,
              links: [
                {
                  traceId: '11111111111111111111111111111111',
                  spanId: '2222222222222222',
                  attributes: [{ key: 'l', value: { intValue: '1' } }],
                  droppedAttributesCount: 3,
                  flags: 257,
                },
              ],
              droppedLinksCount: 3,
              status: { code: 2, message: 'no' },
            },
          ],
          schemaUrl: 'http://schema',
        },
      ],
    },
  ],
};

describe('protobuf', () => {
  test('what an OpenTelemetry SDK sends is read in full', () => {
    assert.deepEqual(tracesFromProtobuf(SDK_BYTES), SDK_TRACES);
  });

  test('fields that are not ours survive both ways', () => {
    assert.deepEqual(tracesFromProtobuf(tracesToProtobuf(SDK_TRACES)), SDK_TRACES);
  });

  test('an exchange survives, whatever its attributes are', () => {
    const latin1 = fc.string({
      unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(
        fc.array(latin1, { maxLength: 4 }),
        fc.uint8Array(),
        fc.string(),
        (values, bytes, session) => {
          const traces = tracesFromExchange(
            exchangeWith({
              hop: { sessionId: session, headers: values.flatMap((value) => ['X-Value', value]) },
              requestBody: recordedBody(bytes),
            }),
          );
          assert.deepEqual(tracesFromProtobuf(tracesToProtobuf(traces)), traces);
        },
      ),
    );
  });

  test('any values of attributes survive, nested ones too', () => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.string({ unit: 'binary' }).map((stringValue) => ({ stringValue })),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((int) => ({ intValue: String(int) })),
        fc.boolean().map((boolValue) => ({ boolValue })),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map((double) => ({ doubleValue: double + 0 })),
        fc.uint8Array().map((bytes) => ({ bytesValue: Buffer.from(bytes).toString('base64') })),
        fc.array(tie('value'), { minLength: 1, maxLength: 3 }).map((values) => ({ arrayValue: { values } })),
        fc
          .array(fc.record({ key: fc.string(), value: tie('value') }, { noNullPrototype: true }), {
            minLength: 1,
            maxLength: 3,
          })
          .map((values) => ({ kvlistValue: { values } })),
      ),
    }));
    fc.assert(
      fc.property(value, (any) => {
        const attributes = [{ key: 'k', value: any as AnyValue }];
        const traces: TracesData = { resourceSpans: [{ scopeSpans: [{ spans: [{ attributes }] }] }] };
        assert.deepEqual(tracesFromProtobuf(tracesToProtobuf(traces)), traces);
      }),
    );
  });

  test('no bytes are no traces', () => {
    assert.deepEqual(tracesFromProtobuf(new Uint8Array(0)), { resourceSpans: [] });
  });

  for (const [what, bytes] of [
    ['text', Buffer.from('hello')],
    ['JSON', Buffer.from('{"resourceSpans":[]}')],
    ['HTML', Buffer.from('<html></html>')],
    ['a message of other fields', Buffer.from([0x10, 0x01])],
    ['a message that ends early', SDK_BYTES.subarray(0, 100)],
    ['a string that is not UTF-8', Buffer.from([0x0a, 0x04, 0x1a, 0x02, 0xff, 0xfe])],
    ['values nested without end', nested(500)],
  ] as const) {
    test(`${what} is an OtlpError`, () => {
      assert.throws(() => tracesFromProtobuf(bytes), { name: 'OtlpError', message: /^not OTLP protobuf: / });
    });
  }

  test('any bytes give traces that can be read, or an OtlpError', () => {
    const mutated = fc
      .tuple(fc.nat(SDK_BYTES.length - 1), fc.integer({ min: 0, max: 255 }))
      .map(([at, byte]) =>
        Buffer.concat([SDK_BYTES.subarray(0, at), Buffer.from([byte]), SDK_BYTES.subarray(at + 1)]),
      );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), mutated), (bytes) => {
        try {
          const [first] = tracesFromProtobuf(bytes).resourceSpans;
          for (const span of first?.scopeSpans?.[0]?.spans ?? []) exchangeFromSpan(span);
        } catch (error) {
          assert.ok(error instanceof OtlpError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('writing a value that is no traces is an OtlpError that says where', () => {
    const traces = { resourceSpans: [{ scopeSpans: [{ spans: [{ traceId: 'zz' }] }] }] };
    assert.throws(() => tracesToProtobuf(traces), {
      name: 'OtlpError',
      issues: [
        {
          pointer: '/resourceSpans/0/scopeSpans/0/spans/0/traceId',
          message: 'expected 32 hex digits (or 16 octets in base64)',
        },
      ],
    });
    const twoValues = { attributes: [{ key: 'k', value: { stringValue: 'a', boolValue: true } }] };
    assert.throws(() => tracesToProtobuf({ resourceSpans: [{ resource: twoValues }] }), {
      name: 'OtlpError',
    });
  });
});

/** Protobuf of an attribute whose value is an array in an array in an array… */
function nested(depth: number): Buffer {
  const wrap = (field: number, content: Buffer) => {
    const length: number[] = [];
    for (let rest = content.length; ; rest >>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    return Buffer.concat([Buffer.from([(field << 3) | 2, ...length]), content]);
  };
  let value = Buffer.alloc(0);
  for (let i = 0; i < depth; i++) value = Buffer.from(wrap(5, wrap(1, value)));
  return wrap(1, wrap(1, wrap(1, wrap(2, value))));
}

describe('OTLP/JSON from outside', () => {
  const withSpan = (span: object) => ({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
  const normalizeSpan = (span: object) => onlySpan(normalizeTraces(withSpan(span)));

  test('what follows the specification stays as it is', () => {
    assert.deepEqual(normalizeTraces(SDK_TRACES), SDK_TRACES);
  });

  test('base64 and upper-case ids become lower-case hex', () => {
    assert.deepEqual(
      normalizeSpan({ traceId: 'S/kvNXezTaajzpKdDg5HNg==', spanId: '00F067AA0BA902B7', parentSpanId: '' }),
      { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' },
    );
    assert.deepEqual(normalizeSpan({ links: [{ spanId: 'APBnqgupArc=' }] }).links, [
      { spanId: '00f067aa0ba902b7' },
    ]);
  });

  test('integers as numbers become decimal strings, also inside arrays and lists', () => {
    const values = [{ intValue: 1 }, { kvlistValue: { values: [{ key: 'k', value: { intValue: -2 } }] } }];
    const span = normalizeSpan({
      startTimeUnixNano: 1_500_000_000,
      attributes: [{ key: 'a', value: { arrayValue: { values } } }],
      events: [{ timeUnixNano: 5 }],
    });
    assert.equal(span.startTimeUnixNano, '1500000000');
    assert.deepEqual(span.attributes?.[0]?.value?.arrayValue?.values, [
      { intValue: '1' },
      { kvlistValue: { values: [{ key: 'k', value: { intValue: '-2' } }] } },
    ]);
    assert.deepEqual(span.events, [{ timeUnixNano: '5' }]);
  });

  test('enum names become numbers', () => {
    const span = normalizeSpan({
      kind: 'SPAN_KIND_CLIENT',
      status: { code: 'STATUS_CODE_ERROR', message: 'm' },
    });
    assert.deepEqual([span.kind, span.status], [3, { code: 2, message: 'm' }]);
  });

  test('unknown fields are kept at every level, and the value itself is not changed', () => {
    const given = {
      resourceSpans: [{ x: 1, scopeSpans: [{ y: 2, spans: [{ z: { a: [3] }, kind: 'SPAN_KIND_SERVER' }] }] }],
      w: 0,
    };
    const before = structuredClone(given);
    const normalized = normalizeTraces(given);
    assert.deepEqual(given, before);
    assert.deepEqual(normalized, {
      resourceSpans: [{ x: 1, scopeSpans: [{ y: 2, spans: [{ z: { a: [3] }, kind: 2 }] }] }],
      w: 0,
    });
  });

  test('a key called __proto__ is a key like any other', () => {
    const json: unknown = JSON.parse(
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"__proto__":{"x":1}}]}]}],"__proto__":{"y":1}}',
    );
    const normalized = normalizeTraces(json);
    assert.equal(JSON.stringify(normalized), JSON.stringify(json));
    assert.equal(Object.getPrototypeOf(normalized), Object.prototype);
  });

  const span = '/resourceSpans/0/scopeSpans/0/spans/0';
  for (const [what, value, pointer, message] of [
    ['no object', 7, '', /expected object, got 7/],
    ['null', null, '', /expected object, got null/],
    ['no resourceSpans', {}, '', /"resourceSpans" is missing/],
    ['snake_case', { resource_spans: [] }, '', /"resourceSpans" is missing/],
    ['a span that is no object', withSpan([]), span, /expected object/],
    ['an id of the wrong length', withSpan({ traceId: 'abc' }), `${span}/traceId`, /32 hex digits/],
    ['an id of a link', withSpan({ links: [{ spanId: 'x' }] }), `${span}/links/0/spanId`, /16 hex digits/],
    ['an unknown kind', withSpan({ kind: 'SERVER' }), `${span}/kind`, /SPAN_KIND_SERVER/],
    ['a time before 1970', withSpan({ startTimeUnixNano: '-1' }), `${span}/startTimeUnixNano`, /from 0 to/],
    [
      'a fraction for an integer',
      withSpan({ attributes: [{ key: 'k', value: { intValue: 1.5 } }] }),
      `${span}/attributes/0/value/intValue`,
      /expected an integer/,
    ],
    [
      'an integer of more than 64 bits',
      withSpan({ attributes: [{ key: 'k', value: { intValue: '9223372036854775808' } }] }),
      `${span}/attributes/0/value/intValue`,
      /expected an integer/,
    ],
    [
      'an attribute without a key',
      withSpan({ attributes: [{}] }),
      `${span}/attributes/0`,
      /"key" is missing/,
    ],
    [
      'an event attribute without a key',
      withSpan({ events: [{ attributes: [{}] }] }),
      `${span}/events/0/attributes/0/key`,
      /string/,
    ],
    ['links that are no list', withSpan({ links: {} }), `${span}/links`, /expected an array/],
  ] as const) {
    test(`${what} is an error that says where`, () => {
      assert.throws(
        () => normalizeTraces(value),
        (error) => {
          assert.ok(error instanceof OtlpError);
          assert.equal(error.issues[0]?.pointer, pointer);
          assert.match(error.issues[0]?.message ?? '', message);
          return true;
        },
      );
    });
  }

  for (const depth of [150, 50_000]) {
    test(`values nested ${depth} deep are an error, not a crash`, () => {
      let value: object = {};
      for (let i = 0; i < depth; i++) value = { arrayValue: { values: [value] } };
      assert.throws(() => normalizeTraces(withSpan({ attributes: [{ key: 'k', value }] })), {
        name: 'OtlpError',
        message: /nested too deeply/,
      });
    });
  }
});
