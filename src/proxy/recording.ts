import type { Exchange, Failure, Hop, RecordedResponse, TraceContext } from '../cases/index.ts';
import type { Decision, Runtime, SessionTicket } from '../runtime/index.ts';
import { BodyTap, emptyBody } from './body-tap.ts';

/** Milliseconds since the Unix epoch, with the fraction that the clock has. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * The recording of one exchange, from its request's start until it ends. It ends exactly once; a second end
 * is a defect and throws.
 */
export class Recording {
  readonly exchange: Exchange;
  readonly requestTap: BodyTap;
  readonly #responseTap: BodyTap;
  readonly #runtime: Runtime;
  readonly #session: SessionTicket;

  constructor(
    runtime: Runtime,
    session: SessionTicket,
    request: {
      hop: Hop;
      trace: TraceContext;
      httpVersion: string;
      decision: Exclude<Decision, { kind: 'need-body' }>;
    },
  ) {
    const { decision } = request;
    this.exchange = {
      hop: request.hop,
      trace: request.trace,
      startTime: now(),
      endTime: 0,
      httpVersion: request.httpVersion,
      requestBody: emptyBody(),
      requestTrailers: [],
      response: undefined,
      failure: undefined,
      outcome: decision.kind === 'respond' ? decision.outcome : 'forward',
      rule: decision.rule,
      redaction: decision.kind === 'forward' ? decision.redaction : undefined,
    };
    this.#runtime = runtime;
    this.#session = session;
    const limit = runtime.begin(session, this.exchange);
    this.requestTap = new BodyTap(limit);
    this.#responseTap = new BodyTap(limit);
  }

  /** The response's header section arrived, or was made here. */
  head(status: number, reason: string, headers: readonly string[]): void {
    const response: RecordedResponse = {
      status,
      reason,
      httpVersion: '1.1',
      headers,
      trailers: [],
      body: emptyBody(),
    };
    this.exchange.response = response;
  }

  data(chunk: Uint8Array): void {
    this.#responseTap.add(chunk);
  }

  trailers(trailers: readonly string[]): void {
    if (this.exchange.response !== undefined) this.exchange.response.trailers = trailers;
  }

  /** The proxy itself had to answer. */
  proxyError(): void {
    this.exchange.outcome = 'proxy-error';
  }

  finish(requestTrailers: readonly string[], failure?: Failure): void {
    const { exchange } = this;
    if (exchange.endTime !== 0) throw new Error('an exchange ended twice');
    exchange.endTime = now();
    exchange.requestBody = this.requestTap.take();
    exchange.requestTrailers = requestTrailers;
    if (exchange.response !== undefined) exchange.response.body = this.#responseTap.take();
    exchange.failure = failure;
    this.#runtime.finish(this.#session, exchange);
  }
}
