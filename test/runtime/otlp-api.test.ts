import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  type KeyValue,
  type TracesData,
  tracesFromProtobuf,
  tracesToProtobuf,
} from '../../src/cases/index.ts';
import { hopOf } from './support/exchange.ts';
import { type RuntimeServer, startRuntime } from './support/runtime-server.ts';

const JSON_TYPE = 'application/json';
const PROTOBUF_TYPE = 'application/x-protobuf';

type Attributes = Record<string, string | number | string[]>;

function keyValues(attributes: Attributes): KeyValue[] {
  return Object.entries(attributes).map(([key, value]) => {
    if (typeof value === 'number') return { key, value: { intValue: String(value) } };
    if (typeof value === 'string') return { key, value: { stringValue: value } };
    return { key, value: { arrayValue: { values: value.map((stringValue) => ({ stringValue })) } } };
  });
}

const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };

function tracesOf(...spans: Attributes[]): TracesData {
  return {
    resourceSpans: [
      {
        resource: { attributes: keyValues({ 'service.name': 'shop' }) },
        scopeSpans: [
          {
            scope: { name: 'a-filter' },
            spans: spans.map((attributes, n) => ({
              ...ids,
              name: 'HTTP',
              kind: 3,
              startTimeUnixNano: String(1_700_000_000_000_000_000n + 1_000_000n * BigInt(n)),
              endTimeUnixNano: '1700000001000000000',
              attributes: keyValues(attributes),
            })),
          },
        ],
      },
    ],
  };
}

function hopAttributes(type: string, sessionId: string, more: Attributes = {}): Attributes {
  return {
    'sp.span.type': type,
    'sp.session.id': sessionId,
    'sp.traffic.direction': 'outbound',
    'http.request.method': 'GET',
    'url.full': 'http://api.test/things',
    'url.scheme': 'http',
    'url.host': 'api.test',
    'url.path': '/things',
    ...more,
  };
}

function attributesOf(traces: TracesData): Map<string, unknown> {
  const [span] = traces.resourceSpans[0]?.scopeSpans?.[0]?.spans ?? [];
  return new Map(span?.attributes?.map(({ key, value }) => [key, Object.values(value ?? {})[0]]));
}

/** Posts bytes and returns the answer's bytes. */
async function post(
  server: RuntimeServer,
  path: string,
  body: Uint8Array | string,
  headers: Record<string, string>,
) {
  const response = await fetch(server.url + path, { method: 'POST', headers, body: Buffer.from(body) });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes, text: Buffer.from(bytes).toString() };
}

function postJson(
  server: RuntimeServer,
  path: string,
  traces: unknown,
  headers: Record<string, string> = {},
) {
  return post(server, path, JSON.stringify(traces), { 'content-type': JSON_TYPE, ...headers });
}

const rule = {
  id: 'things',
  when: { direction: 'outbound', path: '/things' },
  then: {
    action: 'mock',
    response: { status: 201, headers: { 'x-a': ['1', '2'], 'content-type': 'text/plain' }, body: 'mocked' },
  },
};

async function startWithRules(context: Parameters<typeof startRuntime>[0], ...rules: unknown[]) {
  const server = await startRuntime(context);
  const id = await server.session({ mode: 'replay' });
  await server.call('POST', `/v1/sessions/${id}/rules`, { rules });
  return { server, id };
}

test('a hit is 200 with the response in the attributes, the status code first', async (t) => {
  const { server, id } = await startWithRules(t, rule);
  const reply = await postJson(server, '/v1/inject', tracesOf(hopAttributes('inject', id)));
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.headers.get('content-type'), JSON_TYPE);
  assert.equal(reply.headers.get('x-softprobe-session-revision'), '1');
  const traces = JSON.parse(reply.text) as TracesData;
  const [span] = traces.resourceSpans[0]?.scopeSpans?.[0]?.spans ?? [];
  assert.deepEqual({ traceId: span?.traceId, spanId: span?.spanId }, ids);
  assert.deepEqual(span?.attributes?.[0], { key: 'http.response.status_code', value: { intValue: '201' } });
  const attributes = attributesOf(traces);
  assert.equal(attributes.get('http.response.body'), 'mocked');
  assert.equal(attributes.get('http.response.header.content-type'), 'text/plain');
  assert.deepEqual(attributes.get('http.response.header.x-a'), {
    values: [{ stringValue: '1' }, { stringValue: '2' }],
  });
  assert.equal(attributes.get('sp.session.revision'), '1');
  const { stats } = (await server.call('GET', `/v1/sessions/${id}/stats`)).json;
  assert.deepEqual([stats.injectedSpans, stats.extractedSpans, stats.strictMisses], [1, 0, 0]);
});

test('a miss is 404 with the revision, an error rule and a strict miss are hits', async (t) => {
  const { server, id } = await startWithRules(t, {
    when: { path: '/broken' },
    then: { action: 'error', error: { status: 503, body: 'down' } },
  });
  const ask = (path: string) =>
    postJson(
      server,
      '/v1/inject',
      tracesOf(hopAttributes('inject', id, { 'url.path': path, 'url.full': `http://api.test${path}` })),
    );
  const miss = await ask('/other');
  assert.equal(miss.status, 404);
  assert.equal(JSON.parse(miss.text).error.code, 'not_found');
  assert.equal(miss.headers.get('x-softprobe-session-revision'), '1');
  const error = await ask('/broken');
  assert.equal(error.status, 200);
  assert.equal(attributesOf(JSON.parse(error.text)).get('http.response.status_code'), '503');
  await server.call('POST', `/v1/sessions/${id}/policy`, { externalHttp: 'strict' });
  const strict = attributesOf(JSON.parse((await ask('/other')).text));
  assert.equal(strict.get('http.response.status_code'), '599');
  assert.equal(strict.get('http.response.header.x-softprobe-strict-miss'), '1');
  assert.match(String(strict.get('http.response.body')), /strict_miss/);
});

const encodings: [sent: 'json' | 'protobuf', accept: string | undefined, answered: string][] = [
  ['json', undefined, JSON_TYPE],
  ['protobuf', undefined, PROTOBUF_TYPE],
  ['json', '*/*', JSON_TYPE],
  ['protobuf', '*/*', PROTOBUF_TYPE],
  ['json', 'application/x-protobuf', PROTOBUF_TYPE],
  ['protobuf', 'application/json', JSON_TYPE],
  ['json', 'application/json;q=0.1, application/x-protobuf', PROTOBUF_TYPE],
  ['json', 'application/x-protobuf;q=0, */*;q=0.1', JSON_TYPE],
  ['protobuf', 'text/html', PROTOBUF_TYPE],
];
for (const [sent, accept, answered] of encodings) {
  for (const isCompressed of [false, true]) {
    const how = `${sent}${isCompressed ? ', gzip' : ''}, Accept ${accept ?? 'absent'}`;
    test(`${how}: inject and traces answer in ${answered}`, async (t) => {
      const { server, id } = await startWithRules(t, rule);
      const headers = {
        'content-type': sent === 'json' ? JSON_TYPE : PROTOBUF_TYPE,
        ...(isCompressed && { 'content-encoding': 'gzip' }),
        ...(accept !== undefined && { accept }),
      };
      const encode = (traces: TracesData) => {
        const bytes = sent === 'json' ? Buffer.from(JSON.stringify(traces)) : tracesToProtobuf(traces);
        return isCompressed ? gzipSync(bytes) : bytes;
      };
      const inject = await post(server, '/v1/inject', encode(tracesOf(hopAttributes('inject', id))), headers);
      assert.equal(inject.status, 200, inject.text);
      assert.equal(inject.headers.get('content-type'), answered);
      const traces = answered === JSON_TYPE ? JSON.parse(inject.text) : tracesFromProtobuf(inject.bytes);
      assert.equal(attributesOf(traces).get('http.response.status_code'), '201');
      const extract = await post(
        server,
        '/v1/traces',
        encode(tracesOf(hopAttributes('extract', id))),
        headers,
      );
      assert.equal(extract.status, 200, extract.text);
      assert.equal(extract.headers.get('content-type'), answered);
      assert.equal(extract.text, answered === JSON_TYPE ? '{}' : '');
    });
  }
}

test('the decision is the same as in the process, for headers and decoded bodies too', async (t) => {
  const { server, id } = await startWithRules(t, {
    when: { headers: { 'content-encoding': 'gzip' }, bodyJsonPathEquals: { '$.sku': 'A1' } },
    then: { action: 'mock', response: { body: 'matched' } },
  });
  const ticket = server.runtime.findSession(id);
  assert.ok(ticket);
  const headers = ['Content-Type', 'application/json', 'Content-Encoding', 'gzip'];
  for (const [body, outcome] of [
    ['{"sku":"A1"}', 'respond'],
    ['{"sku":"B2"}', 'forward'],
  ] as const) {
    assert.equal(server.runtime.decide(ticket, hopOf({ headers, body: gzipSync(body) })).kind, outcome);
    const span = hopAttributes('inject', id, {
      'http.request.header.content-type': 'application/json',
      'http.request.header.content-encoding': 'gzip',
      'http.request.body': body,
    });
    const { status } = await postJson(server, '/v1/inject', tracesOf(span));
    assert.equal(status, outcome === 'respond' ? 200 : 404);
  }
});

test('a span without a body has an empty one', async (t) => {
  const { server, id } = await startWithRules(t, {
    when: { bodyJsonPath: '$.sku' },
    then: { action: 'mock', response: {} },
  });
  assert.equal((await postJson(server, '/v1/inject', tracesOf(hopAttributes('inject', id)))).status, 404);
});

test('a mock with a content coding is answered decoded, a binary one in base64', async (t) => {
  const { server, id } = await startWithRules(
    t,
    {
      when: { path: '/things' },
      then: {
        action: 'mock',
        response: { headers: { 'content-encoding': 'gzip', 'content-type': 'text/plain' }, body: 'plain' },
      },
    },
    {
      when: { path: '/image' },
      then: {
        action: 'mock',
        response: { headers: { 'content-type': 'image/png' }, body: 'iVBORw0KGgo=', bodyEncoding: 'base64' },
      },
    },
  );
  const text = attributesOf(
    JSON.parse((await postJson(server, '/v1/inject', tracesOf(hopAttributes('inject', id)))).text),
  );
  assert.equal(text.get('http.response.body'), 'plain');
  assert.equal(text.has('http.response.header.content-encoding'), false);
  assert.equal(text.has('http.response.header.content-length'), false);
  const image = hopAttributes('inject', id, { 'url.path': '/image', 'url.full': 'http://api.test/image' });
  const binary = attributesOf(JSON.parse((await postJson(server, '/v1/inject', tracesOf(image))).text));
  assert.equal(binary.get('http.response.body'), 'iVBORw0KGgo=');
  assert.equal(binary.get('http.response.body.encoding'), 'base64');
});

test('a rule with latency answers after it, and a client that does not wait for it does no harm', async (t) => {
  const { server, id } = await startWithRules(
    t,
    { when: { path: '/things' }, then: { action: 'mock', response: { latencyMs: 1 } } },
    { when: { path: '/never' }, then: { action: 'mock', response: { latencyMs: 3_600_000 } } },
  );
  assert.equal((await postJson(server, '/v1/inject', tracesOf(hopAttributes('inject', id)))).status, 200);
  const never = hopAttributes('inject', id, { 'url.path': '/never', 'url.full': 'http://api.test/never' });
  const abort = new AbortController();
  const asked = fetch(`${server.url}/v1/inject`, {
    method: 'POST',
    headers: { 'content-type': JSON_TYPE },
    body: JSON.stringify(tracesOf(never)),
    signal: abort.signal,
  });
  // The rule has been served once the decision is counted; then the client gives up.
  while (server.runtime.stats(id).stats.injectedSpans < 2) await new Promise(setImmediate);
  abort.abort();
  await assert.rejects(asked, { name: 'AbortError' });
  assert.equal((await server.call('GET', '/health')).status, 200);
});

const badInjects: [name: string, body: unknown, status: number, code: string][] = [
  ['no session id', tracesOf({ 'sp.span.type': 'inject', 'url.path': '/' }), 400, 'invalid_request'],
  ['no inject span', tracesOf(hopAttributes('extract', 'x')), 400, 'invalid_request'],
  [
    'two inject spans',
    tracesOf(hopAttributes('inject', 'x'), hopAttributes('inject', 'x')),
    400,
    'invalid_request',
  ],
  ['no spans', { resourceSpans: [] }, 400, 'invalid_request'],
  ['an empty object', {}, 400, 'invalid_request'],
  ['an array', [], 400, 'invalid_request'],
  ['a wrong shape', { resourceSpans: [{ scopeSpans: [{ spans: 'x' }] }] }, 400, 'invalid_request'],
  ['an unknown session', tracesOf(hopAttributes('inject', 'nobody')), 404, 'unknown_session'],
];
for (const [name, body, status, code] of badInjects) {
  test(`inject with ${name} is ${status} ${code}`, async (t) => {
    const server = await startRuntime(t);
    const reply = await postJson(server, '/v1/inject', body);
    assert.equal(reply.status, status, reply.text);
    assert.equal(JSON.parse(reply.text).error.code, code);
  });
}

test('garbage is 400 in every disguise, other types are 415', async (t) => {
  const server = await startRuntime(t);
  const garbage = Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, 2, 3]);
  for (const path of ['/v1/inject', '/v1/traces']) {
    for (const [body, type] of [
      [garbage, PROTOBUF_TYPE],
      [garbage, JSON_TYPE],
      ['{"resourceSpans":', JSON_TYPE],
      ['', JSON_TYPE],
    ] as const) {
      assert.equal((await post(server, path, body, { 'content-type': type })).status, 400, `${path} ${type}`);
    }
    const zipped = { 'content-type': PROTOBUF_TYPE, 'content-encoding': 'gzip' };
    assert.equal((await post(server, path, garbage, zipped)).status, 400);
    assert.equal((await post(server, path, '<a/>', { 'content-type': 'application/xml' })).status, 415);
    const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024));
    assert.equal((await post(server, path, bomb, zipped)).status, 413);
  }
});

test('an error to a client that speaks protobuf is a google.rpc.Status', async (t) => {
  const server = await startRuntime(t);
  const unknown = tracesToProtobuf(tracesOf(hopAttributes('extract', 'nobody')));
  const reply = await post(server, '/v1/traces', unknown, { 'content-type': PROTOBUF_TYPE });
  assert.equal(reply.status, 404);
  assert.equal(reply.headers.get('content-type'), PROTOBUF_TYPE);
  // Field 1, varint: 5 is NOT_FOUND; field 2, a string.
  assert.deepEqual([...reply.bytes.subarray(0, 3)], [0x08, 5, 0x12]);
  assert.match(reply.text, /no session that is open/);
});

test('extract spans of a capture session stand in its case as they came, in the order of their start, redacted', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session({ mode: 'capture' });
  const secret = { 'http.request.header.authorization': 'Bearer top-secret' };
  const traces = tracesOf(
    hopAttributes('extract', id, { ...secret, 'url.path': '/1' }),
    hopAttributes('extract', id, { 'url.path': '/2', 'custom.attribute': 'kept' }),
    { 'http.route': '/ordinary' },
  );
  Object.assign(traces.resourceSpans[0] ?? {}, { schemaUrl: 'https://example.test/schema' });
  const spans = traces.resourceSpans[0]?.scopeSpans?.[0]?.spans;
  spans?.reverse();
  assert.equal((await postJson(server, '/v1/traces', traces)).status, 200);
  const closed = await server.call('POST', `/v1/sessions/${id}/close`);
  assert.equal(closed.json.stats.extractedSpans, 2);
  const document = (await server.call('GET', `/v1/captures/${id}`)).json;
  assert.equal(document.traces.length, 2);
  const [first, second] = document.traces.map((one: TracesData) => attributesOf(one));
  assert.equal(first.get('url.path'), '/1');
  assert.match(first.get('http.request.header.authorization'), /^Bearer \[redacted:/);
  assert.equal(second.get('url.path'), '/2');
  assert.equal(second.get('custom.attribute'), 'kept');
  assert.equal(document.traces[0].resourceSpans[0].schemaUrl, 'https://example.test/schema');
  assert.equal(document.traces[0].resourceSpans[0].scopeSpans[0].scope.name, 'a-filter');
});

test('outside capture mode an extract span is counted, and kept only where a capture_only rule names it', async (t) => {
  const { server, id } = await startWithRules(
    t,
    {
      when: { path: '/kept' },
      then: { action: 'capture_only', captureOnly: { redactHeaders: ['x-private'] } },
    },
    { when: { path: '/once' }, consume: 'once', then: { action: 'mock', response: {} } },
  );
  const span = (path: string) =>
    hopAttributes('extract', id, {
      'url.path': path,
      'url.full': `http://api.test${path}`,
      'http.request.header.x-private': 'hush',
    });
  await postJson(server, '/v1/traces', tracesOf(span('/kept'), span('/other'), span('/once')));
  const { stats } = (await server.call('GET', `/v1/sessions/${id}/stats`)).json;
  assert.deepEqual([stats.injectedSpans, stats.extractedSpans, stats.strictMisses], [0, 3, 0]);
  const { text, json } = await server.call('GET', `/v1/captures/${id}`);
  assert.equal(json.traces.length, 1);
  assert.doesNotMatch(text, /hush/);
  // Looking a recorded hop up must not use up a rule that is there for a hop to come.
  const ticket = server.runtime.findSession(id);
  assert.ok(ticket);
  assert.equal(server.runtime.decide(ticket, hopOf({ path: '/once' })).kind, 'respond');
});

test('ordinary telemetry is accepted and not recorded', async (t) => {
  const server = await startRuntime(t);
  const reply = await postJson(
    server,
    '/v1/traces',
    tracesOf({ 'http.route': '/x' }, { 'sp.span.type': 'other' }),
  );
  assert.equal(reply.status, 200);
  assert.equal(reply.text, '{}');
  assert.equal((await postJson(server, '/v1/traces', { resourceSpans: [] })).status, 200);
});

test('an export with some spans of unknown sessions is a partial success', async (t) => {
  const server = await startRuntime(t);
  const id = await server.session();
  const traces = tracesOf(hopAttributes('extract', id), hopAttributes('extract', 'nobody'));
  const json = JSON.parse((await postJson(server, '/v1/traces', traces)).text);
  assert.equal(json.partialSuccess.rejectedSpans, '1');
  assert.match(json.partialSuccess.errorMessage, /no session that is open/);
  const binary = await post(server, '/v1/traces', tracesToProtobuf(traces), {
    'content-type': PROTOBUF_TYPE,
  });
  // Field 1 is a message that begins with field 1, varint 1.
  assert.deepEqual([binary.bytes[0], ...binary.bytes.subarray(2, 4)], [0x0a, 0x08, 1]);
  assert.equal((await server.call('GET', `/v1/sessions/${id}/stats`)).json.stats.extractedSpans, 2);
});

test('metrics count hits, misses, errors, spans and ids that name no session', async (t) => {
  const { server, id } = await startWithRules(t, rule);
  await postJson(server, '/v1/inject', tracesOf(hopAttributes('inject', id)));
  await postJson(server, '/v1/inject', tracesOf(hopAttributes('inject', id, { 'url.path': '/other' })));
  await postJson(server, '/v1/inject', tracesOf(hopAttributes('inject', 'nobody')));
  await postJson(server, '/v1/inject', {});
  await postJson(server, '/v1/traces', tracesOf(hopAttributes('extract', id)));
  const { text } = await server.call('GET', '/metrics');
  assert.match(text, /^softprobe_inject_requests_total\{outcome="hit"\} 1$/m);
  assert.match(text, /^softprobe_inject_requests_total\{outcome="miss"\} 2$/m);
  assert.match(text, /^softprobe_inject_requests_total\{outcome="error"\} 1$/m);
  assert.match(text, /^softprobe_inject_latency_seconds_count 2$/m);
  assert.match(text, /^softprobe_extract_spans_total 1$/m);
  assert.match(text, /^softprobe_extract_bytes_total [1-9]\d*$/m);
  assert.match(text, /^softprobe_uncorrelated_requests_total\{listener="egress"\} 1$/m);
});
