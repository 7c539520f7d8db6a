import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordedBody, recordedResponse } from '../cases/support/exchange.ts';
import { CaseFolder, caseOf } from './support/case-folder.ts';
import { cli } from './support/cli.ts';
import { OtlpReceiver } from './support/otlp-receiver.ts';

const sold = caseOf(
  {
    hop: { method: 'POST', path: '/orders', headers: ['x-a', '1', 'x-a', '2'] },
    requestBody: recordedBody('{"n":1}'),
    response: recordedResponse(['content-type', 'application/json'], '{"id":"ü"}', 201),
  },
  { hop: { direction: 'inbound' } },
);

/** As many hops as a case ever has. */
const large = (count: number) =>
  caseOf(...Array.from({ length: count }, (_, i) => ({ hop: { path: `/${i}` } })));

describe('softprobe-proxy export otlp', () => {
  for (const protocol of ['http/protobuf', 'http/json']) {
    it(`is understood by OpenTelemetry's own code as ${protocol}`, async () => {
      await using folder = await CaseFolder.create();
      await using receiver = await OtlpReceiver.start();
      const path = await folder.write('sold.case.json', sold);
      const flags = ['--protocol', protocol, '--header', 'x-key: secret', '--header', 'x-other=1'];
      const { code, stdout, stderr } = await cli([
        'export',
        'otlp',
        '--case',
        path,
        '--endpoint',
        receiver.url,
        ...flags,
      ]);
      assert.deepEqual([code, stdout, stderr], [0, '2 spans sent\n', '']);
      const [request, ...more] = receiver.requests;
      assert.equal(more.length, 0);
      assert.equal(request?.url, '/v1/traces');
      assert.equal(request?.headers['x-key'], 'secret');
      assert.equal(request?.headers['x-other'], '1');
      assert.equal(request?.headers['content-encoding'], 'gzip');
      const [order, inbound] = receiver.spans;
      assert.deepEqual(
        [order?.name, order?.kind, order?.traceId, order?.spanId, order?.startTimeUnixNano, order?.service],
        [
          'HTTP POST',
          3,
          '4bf92f3577b34da6a3ce929d0e0e4736',
          '0000000000000001',
          '1767225600000250000',
          'shop',
        ],
      );
      assert.equal(order?.attributes.get('http.response.body'), '{"id":"ü"}');
      assert.equal(order?.attributes.get('http.response.status_code'), '201');
      assert.equal(inbound?.kind, 2);
    });
  }

  it('keeps the path of an endpoint that has one', async () => {
    await using folder = await CaseFolder.create();
    await using receiver = await OtlpReceiver.start();
    const path = await folder.write('sold.case.json', sold);
    const { code, json } = await cli([
      'export',
      'otlp',
      '--case',
      path,
      '--endpoint',
      `${receiver.url}/otlp/traces?x=1`,
      '--json',
    ]);
    assert.deepEqual([code, json.sent, json.failed], [0, 2, 0]);
    assert.equal(receiver.requests[0]?.url, '/otlp/traces?x=1');
  });

  it('sends many spans in batches, in order', async () => {
    await using folder = await CaseFolder.create();
    await using receiver = await OtlpReceiver.start();
    const path = await folder.write('large.case.json', large(1200));
    const { json } = await cli(['export', 'otlp', '--case', path, '--endpoint', receiver.url, '--json']);
    assert.equal(json.sent, 1200);
    assert.deepEqual(
      receiver.requests.map(({ spans }) => spans.length),
      [500, 500, 200],
    );
    assert.equal(receiver.spans.at(-1)?.attributes.get('url.path'), '/1199');
  });

  it('tries again where the receiver asks for it', async () => {
    await using folder = await CaseFolder.create();
    await using receiver = await OtlpReceiver.start();
    receiver.refusals.push({ status: 429, headers: { 'retry-after': '0' } }, { status: 503 });
    const path = await folder.write('sold.case.json', sold);
    const { code, json } = await cli([
      'export',
      'otlp',
      '--case',
      path,
      '--endpoint',
      receiver.url,
      '--json',
    ]);
    assert.deepEqual([code, json.sent, receiver.requests.length], [0, 2, 3]);
  });

  it('ends with 1 and the reason where spans are refused, after a bounded number of attempts', async () => {
    await using folder = await CaseFolder.create();
    await using receiver = await OtlpReceiver.start();
    const path = await folder.write('sold.case.json', sold);
    const args = ['export', 'otlp', '--case', path, '--endpoint', receiver.url, '--json'];
    receiver.refusals.push({ status: 401, body: 'no key' });
    const refused = await cli(args);
    assert.deepEqual([refused.code, refused.json.sent, refused.json.failed], [1, 0, 2]);
    assert.match(String(refused.json.error?.message), /401: no key/);
    assert.equal(receiver.requests.length, 1);

    receiver.refusals.push(...Array.from({ length: 9 }, () => ({ status: 503 })));
    const busy = await cli(args);
    assert.deepEqual([busy.code, busy.json.failed, receiver.requests.length], [1, 2, 6]);
    receiver.refusals.length = 0;

    receiver.rejectedSpans = 1;
    for (const protocol of ['http/json', 'http/protobuf']) {
      const partial = await cli([...args, '--protocol', protocol]);
      assert.deepEqual([partial.code, partial.json.sent, partial.json.failed], [1, 1, 1]);
      assert.match(String(partial.json.error?.message), /refused 1 spans: too old/);
    }
  });

  it('ends with 1 where nobody listens, 2 for flags that make no sense', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('sold.case.json', sold);
    const receiver = await OtlpReceiver.start();
    const { url } = receiver;
    await receiver[Symbol.asyncDispose]();
    const { code, json } = await cli(['export', 'otlp', '--case', path, '--endpoint', url, '--json']);
    assert.deepEqual([code, json.sent, json.failed, json.error?.code], [1, 0, 2, 'export_failed']);
    assert.match(String(json.error?.message), /ECONNREFUSED/);
    for (const flags of [
      ['--case', path],
      ['--endpoint', url],
      ['--case', path, '--endpoint', 'collector:4318'],
      ['--case', path, '--endpoint', 'http://a:b@collector'],
      ['--case', path, '--endpoint', url, '--header', 'no name'],
      ['--case', path, '--endpoint', url, '--protocol', 'grpc'],
    ]) {
      assert.equal((await cli(['export', 'otlp', ...flags, '--json'])).code, 2, flags.join(' '));
    }
  });

  it('ends with 1 or 5 for what is no case', async () => {
    await using folder = await CaseFolder.create();
    const empty = await folder.write('empty', '');
    for (const [path, code] of [
      [folder.at('none'), 1],
      [folder.path, 1],
      [empty, 5],
    ] as const) {
      const { code: ended } = await cli([
        'export',
        'otlp',
        '--case',
        path,
        '--endpoint',
        'http://127.0.0.1:1',
        '--json',
      ]);
      assert.equal(ended, code);
    }
  });
});

const span = (id: string, name: string, attributes: Record<string, string>, kind = 3) => ({
  traceId: '5b8efff798038103d269b633813fc60c',
  spanId: id,
  name,
  kind,
  startTimeUnixNano: `1767225600${id.slice(-2)}0000000`,
  endTimeUnixNano: '1767225601000000000',
  attributes: Object.entries(attributes).map(([key, value]) => ({ key, value: { stringValue: value } })),
});
const payload = (...spans: object[]) => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeSpans: [{ scope: { name: '@opentelemetry/instrumentation-undici' }, spans }],
    },
  ],
});
const second = span('eee19b7ec3c1b102', 'GET', {
  'http.request.method': 'GET',
  'url.full': 'https://stock.example/items/7?x=1',
  'http.response.status_code': '200',
});
const first = span('eee19b7ec3c1b101', 'POST /cart', { 'http.method': 'POST', 'http.target': '/cart' }, 2);
const query = span('eee19b7ec3c1b103', 'SELECT', { 'db.system': 'postgresql' });
const inner = span('eee19b7ec3c1b104', 'middleware', { 'http.route': '/cart' }, 1);

describe('softprobe-proxy import otlp', () => {
  const texts: [string, string][] = [
    ['one document', JSON.stringify(payload(second, query, first, inner), null, 2)],
    ['one document in one line', JSON.stringify(payload(second, query, first, inner))],
    [
      'one document a line',
      `${JSON.stringify(payload(second, query))}\n\n${JSON.stringify(payload(first, inner))}\n`,
    ],
  ];
  for (const [what, text] of texts) {
    it(`makes a case of the HTTP spans in ${what}, in the order of time`, async () => {
      await using folder = await CaseFolder.create();
      const path = await folder.write('shop.otlp.jsonl', text);
      const out = folder.at('shop.case.json');
      const plain = await cli(['import', 'otlp', path, '--out', out]);
      assert.deepEqual([plain.code, plain.stderr], [0, '']);
      assert.equal(plain.stdout, `${out}: case shop, 2 hops, 2 other spans left out\n`);
      const { json } = await cli(['inspect', 'case', out, '--json']);
      assert.deepEqual(
        (json.spanSummary as { direction: string; method: string; url: string }[]).map((hop) => [
          hop.direction,
          hop.method,
          hop.url,
        ]),
        [
          ['inbound', 'POST', 'http:///cart'],
          ['outbound', 'GET', 'https://stock.example/items/7?x=1'],
        ],
      );
    });
  }

  it('reads what export sends', async () => {
    await using folder = await CaseFolder.create();
    const lines = sold.traces.map((traces) => JSON.stringify(traces)).join('\n');
    const path = await folder.write('sold.jsonl', lines);
    const args = [
      'import',
      'otlp',
      path,
      '--out',
      folder.at('again.json'),
      '--case-id',
      'checkout',
      '--json',
    ];
    const { code, json } = await cli(args);
    assert.deepEqual([code, json.traceCount, json.passedOver, json.caseId], [0, 2, 0, 'checkout']);
    assert.deepEqual(await folder.readCase('again.json'), sold);
  });

  it('reads stdin, and hides secrets unless told not to', async () => {
    await using folder = await CaseFolder.create();
    const secret = span('eee19b7ec3c1b105', 'GET', {
      'http.request.method': 'GET',
      'http.request.header.authorization': 'Bearer verysecret',
    });
    const stdin = JSON.stringify(payload(secret));
    const out = folder.at('out.json');
    assert.equal((await cli(['import', 'otlp', '-', '--out', out], { stdin })).code, 0);
    assert.match(await folder.read('out.json'), /Bearer \[redacted:/);
    await cli(['import', 'otlp', '-', '--out', out, '--no-redact'], { stdin });
    assert.match(await folder.read('out.json'), /Bearer verysecret/);
  });

  it('ends with 1, 5 or 2 and leaves what was there', async () => {
    await using folder = await CaseFolder.create();
    const out = await folder.write('out.json', 'as it was');
    const good = await folder.write('good.jsonl', JSON.stringify(payload(first)));
    const bad = await folder.write('bad.jsonl', `${JSON.stringify(payload(first))}\n{"resourceSpans":7}\n`);
    const broken = await folder.write('broken.jsonl', `${JSON.stringify(payload(first))}\n{"resource\n`);
    const empty = await folder.write('empty.jsonl', '');
    for (const [args, code, message] of [
      [[folder.at('none'), '--out', out], 1, /there is no file/],
      [[folder.path, '--out', out], 1, /directory/],
      [[bad, '--out', out], 5, /line 2/],
      [[broken, '--out', out], 5, /line 2/],
      [[empty, '--out', out], 5, /empty/],
      [[good], 2, /--out/],
      [[good, '--out', folder.at('none/out.json')], 1, /there is no folder .*none\)$/],
    ] as const) {
      const { code: ended, json } = await cli(['import', 'otlp', ...args, '--json']);
      assert.equal(ended, code, args.join(' '));
      assert.match(String(json.error?.message), message);
    }
    assert.equal(await folder.read('out.json'), 'as it was');
  });
});
