import type { Exchange, Hop, RawHeaders, RecordedBody, RecordedResponse } from '../../../src/cases/index.ts';

/** A body that was recorded whole. */
export function recordedBody(content: string | Uint8Array = ''): RecordedBody {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'utf8') : content;
  return { bytes, size: bytes.length, truncated: false };
}

export function recordedResponse(
  headers: RawHeaders = [],
  content: string | Uint8Array = '',
  status = 200,
): RecordedResponse {
  return { status, reason: 'OK', httpVersion: '1.1', headers, trailers: [], body: recordedBody(content) };
}

export type ExchangeParts = Partial<Omit<Exchange, 'hop'>> & { readonly hop?: Partial<Hop> };

/** An ordinary outbound exchange, with these parts in the place of its own. */
export function exchangeWith({ hop, ...parts }: ExchangeParts = {}): Exchange {
  return {
    hop: {
      direction: 'outbound',
      sessionId: 'sess_1',
      service: 'shop',
      method: 'GET',
      scheme: 'http',
      host: 'stock.example:8090',
      path: '/items/7',
      query: undefined,
      headers: [],
      ...hop,
    },
    trace: {
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      spanId: '00f067aa0ba902b7',
      parentSpanId: undefined,
      flags: 1,
    },
    startTime: 1_767_225_600_000.25,
    endTime: 1_767_225_600_012.5,
    httpVersion: '1.1',
    requestBody: recordedBody(),
    requestTrailers: [],
    response: recordedResponse(['content-type', 'application/json'], '{"left":3}'),
    failure: undefined,
    outcome: 'forward',
    rule: undefined,
    redaction: undefined,
    ...parts,
  };
}
