import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type CaseDocument, type Exchange, tracesFromExchange } from '../../src/cases/index.ts';
import { inboundRequests, requestToSend } from '../../src/cases/recorded-request.ts';
import { ReplaySecrets } from '../../src/cases/secrets/replay-secrets.ts';
import { type ExchangeParts, exchangeWith, recordedBody, recordedResponse } from './support/exchange.ts';

const hidden = '[redacted:0f1e2d3c4b5a]';

function inbound({ hop, ...parts }: ExchangeParts = {}): Exchange {
  return exchangeWith({ ...parts, hop: { direction: 'inbound', host: 'shop.example', ...hop } });
}

function caseOf(...exchanges: readonly Exchange[]): CaseDocument {
  return {
    version: '1.0.0',
    caseId: 'sent',
    traces: exchanges.map((exchange) => tracesFromExchange(exchange)),
  };
}

function sent(exchange: Exchange, secrets = new ReplaySecrets(), given = new Map<string, string>()) {
  return requestToSend(exchange, secrets, given);
}

describe('the inbound requests of a case', () => {
  it('are counted among all of its hops, in the order in which they started', () => {
    const late = inbound({ startTime: 3000, hop: { path: '/late' } });
    const { requests, skipped, outboundCount } = inboundRequests(
      caseOf(late, exchangeWith({ startTime: 2000 }), inbound({ startTime: 1000, hop: { path: '/early' } })),
    );
    assert.deepEqual(
      requests.map(({ index, exchange }) => [index, exchange.hop.path]),
      [
        [1, '/early'],
        [3, '/late'],
      ],
    );
    assert.deepEqual([skipped, outboundCount], [[], 1]);
  });

  const trace = { traceId: 'a'.repeat(32), flags: 1 };
  const unsent: [string, ExchangeParts, RegExp][] = [
    [
      'had no answer',
      { response: undefined, failure: { type: 'aborted', message: '' } },
      /no recorded answer/,
    ],
    ['had an answer that broke off', { failure: { type: 'ECONNRESET', message: '' } }, /broke off/],
    ['were answered by the proxy', { outcome: 'mock' }, /the proxy answered it/],
    ['were upgraded', { response: recordedResponse([], '', 101) }, /upgraded/],
    [
      'were recorded in part',
      { requestBody: { bytes: Buffer.from('abc'), size: 10, truncated: true } },
      /only 3 of 10 bytes/,
    ],
    [
      'another service made',
      { trace: { ...trace, spanId: 'b'.repeat(16), parentSpanId: 'c'.repeat(16) } },
      /another service/,
    ],
  ];
  for (const [what, parts, reason] of unsent) {
    it(`leave out those that ${what}`, () => {
      const caller = exchangeWith({ trace: { ...trace, spanId: 'c'.repeat(16), parentSpanId: undefined } });
      const { requests, skipped } = inboundRequests(caseOf(caller, inbound(parts)));
      assert.deepEqual(requests, []);
      assert.equal(skipped[0]?.request, 'GET http://shop.example/items/7');
      assert.match(skipped[0]?.reason ?? '', reason);
    });
  }
});

describe('a request that is sent again', () => {
  it('goes to the host and target that it had, with its headers', () => {
    const headers = ['host', 'shop.example', 'accept', 'a', 'accept', 'b', 'x-mine', 'c'];
    const message = sent(inbound({ hop: { headers, query: 'q=1' } }));
    assert.deepEqual([message.method, message.target, message.host], ['GET', '/items/7?q=1', 'shop.example']);
    assert.deepEqual(message.headers, ['accept', 'a', 'accept', 'b', 'x-mine', 'c']);
    assert.deepEqual(message.missing, []);
  });

  it('has nothing of the recorded connection, session and trace', () => {
    const headers = [
      ...['connection', 'close', 'proxy-authorization', 'x', 'expect', '100-continue', 'trailer', 'a'],
      ...['x-softprobe-session-id', 'sess_1', 'x-sp-session-id', 'sess_1', 'x-session-id', 'its own'],
      ...['traceparent', '00-1', 'tracestate', 'a=b', 'baggage', 'x-softprobe-session-id=sess_1,user=7'],
    ];
    assert.deepEqual(sent(inbound({ hop: { headers } })).headers, [
      'x-session-id',
      'its own',
      'baggage',
      'user=7',
    ]);
    const ours = inbound({
      hop: { headers: ['baggage', 'x-softprobe-session-id=sess_1', 'x-session-id', 'sess_1'] },
    });
    assert.deepEqual(sent(ours).headers, []);
  });

  it('has a length only where it had a body or a length', () => {
    assert.deepEqual(sent(inbound()).headers, []);
    assert.deepEqual(sent(inbound({ hop: { headers: ['content-length', '0'] } })).headers, [
      'content-length',
      '0',
    ]);
    const post = inbound({ hop: { method: 'POST' }, requestBody: recordedBody('é') });
    assert.deepEqual(sent(post).headers, ['content-length', '2']);
  });

  it('gets its content coding again', () => {
    const message = sent(
      inbound({
        hop: { headers: ['content-encoding', 'gzip'] },
        requestBody: { ...recordedBody('hello'), decoded: true },
      }),
    );
    assert.equal(gunzipSync(message.body).toString(), 'hello');
    assert.deepEqual(message.headers, [
      'content-encoding',
      'gzip',
      'content-length',
      String(message.body.length),
    ]);
  });

  it('is sent in chunks where trailers follow it', () => {
    const message = sent(inbound({ requestBody: recordedBody('abc'), requestTrailers: ['checksum', '1'] }));
    assert.deepEqual(message.headers, ['transfer-encoding', 'chunked']);
    assert.deepEqual(message.trailers, ['checksum', '1']);
  });

  it('has what somebody gives in the place of what was recorded', () => {
    const exchange = inbound({ hop: { headers: ['authorization', `Bearer ${hidden}`, 'x-mine', 'a'] } });
    const given = new Map([
      ['authorization', 'Bearer new'],
      ['x-mine', 'b'],
      ['x-other', 'c'],
    ]);
    const message = sent(exchange, new ReplaySecrets(), given);
    assert.deepEqual(message.headers, ['authorization', 'Bearer new', 'x-mine', 'b']);
    assert.deepEqual(message.missing, []);
  });

  it('lacks what is hidden, and says so', () => {
    const json = ['content-type', 'application/json'];
    const message = sent(
      inbound({
        hop: {
          headers: ['authorization', hidden, 'cookie', `a=1; b=${hidden}`, ...json],
          query: `t=${hidden}`,
        },
        requestBody: recordedBody(`{"password":"${hidden}"}`),
      }),
    );
    assert.deepEqual(message.missing, ['authorization', 'cookie b', 'the URL', 'the body']);
    assert.deepEqual(message.headers.slice(0, 4), ['cookie', 'a=1', ...json]);
  });

  it('has what is known in the place of what is hidden, written as the body demands', () => {
    const secrets = new ReplaySecrets({ tokens: { [hidden]: 'a "b" & ü' } });
    const body = (type: string, text: string) =>
      Buffer.from(
        sent(inbound({ hop: { headers: ['content-type', type] }, requestBody: recordedBody(text) }), secrets)
          .body,
      ).toString();
    assert.equal(body('application/json', `{"p":"${hidden}"}`), '{"p":"a \\"b\\" & ü"}');
    assert.equal(
      body('application/x-www-form-urlencoded', `p=${hidden}&q=1`),
      'p=a%20%22b%22%20%26%20%C3%BC&q=1',
    );
    assert.equal(body('text/plain', `p ${hidden}`), 'p a "b" & ü');
  });
});
