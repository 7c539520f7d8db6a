import { STATUS_CODES } from 'node:http';
import type {
  Attribution,
  Direction,
  Exchange,
  ExtraRedaction,
  Failure,
  Hop,
  Outcome,
  RawHeaders,
  RecordedBody,
  RecordedResponse,
  TraceContext,
} from '../cases/index.ts';
import type { Decision, Runtime, SessionTicket } from '../runtime/index.ts';
import { BodyTap, NO_BODY } from './body-tap.ts';
import { packFields, unpackFields } from './packed-fields.ts';

/** What a recorded exchange is made of when its request starts. */
export interface ExchangeStart {
  readonly hop: Hop;
  readonly trace: TraceContext;
  readonly httpVersion: string;
  readonly decision: Exclude<Decision, { kind: 'need-body' }>;
  /** The request has a body: what comes of it goes into `requestTap`. */
  readonly hasBody: boolean;
  /** False where what passes is only counted: in a tunnel, and behind an upgrade. True by default. */
  readonly keepsBodies?: boolean;
}

const NO_FIELDS: RawHeaders = [];

/** When this process started, in milliseconds since the Unix epoch; the getter is too slow for every hop. */
const { timeOrigin } = performance;

/**
 * An exchange that is being recorded, from its request's start until it ends. All that has passed so far is in
 * it at any time, so that a case that is written meanwhile has it too. It ends exactly once; a second end is a
 * defect and throws.
 */
export class LiveExchange implements Exchange {
  #hop: Hop;
  readonly trace: TraceContext;
  readonly startTime = timeOrigin + performance.now();
  endTime = 0;
  readonly httpVersion: string;
  requestBody: RecordedBody;
  requestTrailers: RawHeaders = NO_FIELDS;
  response: RecordedResponse | undefined = undefined;
  failure: Failure | undefined = undefined;
  outcome: Outcome;
  readonly rule: string | undefined;
  readonly redaction: ExtraRedaction | undefined;
  requestTap: BodyTap | undefined;
  #responseTap: BodyTap;
  readonly #runtime: Runtime;
  readonly #session: SessionTicket;

  constructor(runtime: Runtime, session: SessionTicket, start: ExchangeStart) {
    const { decision } = start;
    this.#hop = start.hop;
    this.trace = start.trace;
    this.httpVersion = start.httpVersion;
    this.outcome = decision.kind === 'respond' ? decision.outcome : 'forward';
    this.rule = decision.rule;
    this.redaction = decision.kind === 'forward' ? decision.redaction : undefined;
    this.#runtime = runtime;
    this.#session = session;
    const allowance = runtime.begin(session, this);
    const limit = start.keepsBodies === false ? 0 : allowance;
    this.requestTap = start.hasBody ? new BodyTap(limit) : undefined;
    this.requestBody = this.requestTap ?? NO_BODY;
    this.#responseTap = new BodyTap(limit);
  }

  get hop(): Hop {
    return this.#hop;
  }

  /** The response's header section arrived, or was made here. */
  head(status: number, reason: string, headers: readonly string[]): void {
    const body = this.#responseTap;
    this.response = { status, reason, httpVersion: '1.1', headers, trailers: NO_FIELDS, body };
  }

  /** The protocols are switched: what passes from here on is no body any more, and only counted. */
  switchProtocols(reason: string, headers: readonly string[]): void {
    this.requestTap = new BodyTap(0);
    this.requestBody = this.requestTap;
    this.#responseTap = new BodyTap(0);
    this.head(101, reason, headers);
  }

  /** Some of the response's body passed. */
  data(chunk: Uint8Array): void {
    this.#responseTap.add(chunk);
  }

  /** All of the response's body passed at once, as latin-1 text. */
  text(body: string): void {
    this.#responseTap.setText(body);
  }

  trailers(trailers: readonly string[]): void {
    if (this.response !== undefined) this.response.trailers = trailers;
  }

  /** The proxy itself had to answer. */
  proxyError(): void {
    this.outcome = 'proxy-error';
  }

  finish(requestTrailers: readonly string[], failure?: Failure): void {
    if (this.endTime !== 0) throw new Error('an exchange ended twice');
    this.endTime = timeOrigin + performance.now();
    this.requestTrailers = requestTrailers;
    this.failure = failure;
    this.#runtime.finish(this.#session, this);
    // The same in less space, for as long as the session is open.
    this.#hop = new PackedHop(this.#hop);
    if (this.response !== undefined) this.response = new PackedResponse(this.response);
  }
}

/** A hop as a recording keeps it: without the body, which the exchange has, and with packed headers. */
class PackedHop implements Hop {
  readonly direction: Direction;
  readonly sessionId: string;
  readonly service: string;
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly attribution: Attribution | undefined;
  readonly #fields: string;

  constructor(hop: Hop) {
    this.direction = hop.direction;
    this.sessionId = hop.sessionId;
    this.service = hop.service;
    this.method = hop.method;
    this.scheme = hop.scheme;
    this.host = hop.host;
    this.path = hop.path;
    this.query = hop.query;
    this.attribution = hop.attribution;
    this.#fields = packFields(hop.headers);
  }

  get headers(): RawHeaders {
    return unpackFields(this.#fields);
  }
}

/** The response's part of an exchange, with packed headers. */
class PackedResponse implements RecordedResponse {
  readonly status: number;
  readonly reason: string;
  readonly httpVersion: string;
  readonly trailers: RawHeaders;
  readonly body: RecordedBody;
  readonly #fields: string;

  constructor({ status, reason, httpVersion, headers, trailers, body }: RecordedResponse) {
    const usual = STATUS_CODES[status];
    this.status = status;
    // The phrase that came is a new string each time, and mostly the usual one.
    this.reason = usual === reason ? usual : reason;
    this.httpVersion = httpVersion;
    this.trailers = trailers;
    this.body = body;
    this.#fields = packFields(headers);
  }

  get headers(): RawHeaders {
    return unpackFields(this.#fields);
  }
}
