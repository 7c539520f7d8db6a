import type { Direction, Exchange, Hop } from '../../../src/cases/index.ts';

/** A hop as the proxy makes one: GET http://api.test/things, outbound. */
export function hopOf(given: Partial<Hop> = {}): Hop {
  return {
    direction: 'outbound' as Direction,
    sessionId: 'sess_of_a_test',
    service: 'shop',
    method: 'GET',
    scheme: 'http',
    host: 'api.test',
    path: '/things',
    query: undefined,
    headers: ['Host', 'api.test', 'Authorization', 'Bearer top-secret'],
    ...given,
  };
}

/** An exchange that has just begun. */
export function beginExchange(given: Partial<Hop> = {}, startTime = 1_700_000_000_000): Exchange {
  return {
    hop: hopOf(given),
    trace: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), parentSpanId: undefined, flags: 1 },
    startTime,
    endTime: 0,
    httpVersion: '1.1',
    requestBody: { bytes: new Uint8Array(), size: 0, truncated: false },
    requestTrailers: [],
    response: undefined,
    failure: undefined,
    outcome: 'forward',
    rule: undefined,
    redaction: undefined,
  };
}

/** Answers it: 200 with a text body. */
export function endExchange(exchange: Exchange, body = 'hello'): Exchange {
  const bytes = Buffer.from(body);
  exchange.response = {
    status: 200,
    reason: 'OK',
    httpVersion: '1.1',
    headers: ['Content-Type', 'text/plain'],
    trailers: [],
    body: { bytes, size: bytes.length, truncated: false },
  };
  exchange.endTime = exchange.startTime + 5;
  return exchange;
}
