import type { TraceContext } from './trace-context.ts';

/** Which way a hop goes, seen from the app: `inbound` to it (ingress), `outbound` from it (egress). */
export type Direction = 'inbound' | 'outbound';

/**
 * A header section as it was on the wire: `[name, value, name, value, …]`. Names keep their case, order
 * and repeats; values are latin-1 strings, one char a byte (RFC 9110 section 5.5 calls them opaque).
 */
export type RawHeaders = readonly string[];

/** What tied a request to its session (CONTRACT section 2), the surest first. */
export type Attribution =
  | 'header'
  | 'tracestate'
  | 'baggage'
  | 'trace-id'
  | 'proxy-credential'
  | 'sole-session';

/** The request side of an exchange: what a decision is made on. */
export interface Hop {
  readonly direction: Direction;
  readonly sessionId: string;
  /** `sp.service.name`: which service's traffic this is. */
  readonly service: string;
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** The authority as the request named it, with an explicit port kept. */
  readonly host: string;
  /**
   * Where the tunnel leads that the request came through, `host:port`, where that is another host than the one that
   * the request names. Policies ask for both.
   */
  readonly tunnelHost?: string | undefined;
  /** Path as it came, without the query. Starts with `/`, or is `*` (RFC 9112 section 3.2.4). */
  readonly path: string;
  /** What follows the first `?`, as it came; undefined where there is no `?`. */
  readonly query: string | undefined;
  readonly headers: RawHeaders;
  /**
   * The request body as it was on the wire. `undefined`: not read (yet); `null`: there was more of it than
   * may be held in memory, so that no predicate on bodies holds.
   */
  body?: Uint8Array | null | undefined;
  /** Trace that the request belongs to, 32 hex digits; absent where it is not known. */
  readonly traceId?: string | undefined;
  /** How the request was tied to its session; absent for hops of other proxies. */
  readonly attribution?: Attribution | undefined;
  /** Attributes of the span that described this hop, where it came by the OTLP API. */
  readonly attributes?: ReadonlyMap<string, unknown>;
}

/** A bounded copy of a body. The traffic itself is never cut. */
export interface RecordedBody {
  /** The first bytes as they were on the wire (content coding included), up to the recording limit. */
  readonly bytes: Uint8Array;
  /** Bytes on the wire, in octets, without transfer coding. */
  readonly size: number;
  /** True when `bytes` is only the beginning. */
  readonly truncated: boolean;
  /** Bytes kept, known without putting them together; where it is not given, `bytes` are there already. */
  readonly kept?: number;
  /** True when the content coding of `bytes` is undone already: a body that was read from a case file. */
  readonly decoded?: boolean;
}

export interface RecordedResponse {
  readonly status: number;
  readonly reason: string;
  readonly httpVersion: string;
  readonly headers: RawHeaders;
  trailers: RawHeaders;
  readonly body: RecordedBody;
}

/** Why a hop did not end well. A response may stand beside it: the part that arrived. */
export interface Failure {
  /** `error.type`: a stable code such as `ECONNREFUSED`, `timeout`, `aborted`. */
  readonly type: string;
  readonly message: string;
}

/** How the proxy ended a hop, as `x-softprobe-outcome` says it (CONTRACT section 9). */
export type Outcome = 'mock' | 'error' | 'strict-miss' | 'forward' | 'proxy-error';

/** What else must be hidden of an exchange, beyond what every recording hides. */
export interface ExtraRedaction {
  /** Lower-case header names. */
  readonly headers: readonly string[];
  /** JSONPaths (RFC 9535) into JSON bodies. */
  readonly bodyPaths: readonly string[];
}

/**
 * One request and its response, or its failure, as one hop saw it. Created when the request starts and
 * filled while bytes flow; nobody changes it once `endTime` is set.
 */
export interface Exchange {
  readonly hop: Hop;
  readonly trace: TraceContext;
  /** Milliseconds since the Unix epoch, with a fraction. */
  readonly startTime: number;
  /** The same; 0 while the exchange is in flight. */
  endTime: number;
  /** HTTP version of the request: `1.0`, `1.1`, `2`. */
  readonly httpVersion: string;
  readonly requestBody: RecordedBody;
  requestTrailers: RawHeaders;
  response: RecordedResponse | undefined;
  failure: Failure | undefined;
  outcome: Outcome;
  /** Label of the rule that decided, if one did. */
  rule: string | undefined;
  redaction: ExtraRedaction | undefined;
}
