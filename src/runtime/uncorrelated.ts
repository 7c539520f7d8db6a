import type { UncorrelatedRequest } from './decision.ts';

/** How many requests are remembered. Each holds the strings of one request head, so 16 MiB at the very most. */
const CAPACITY = 256;

/** A request of no session, and when it came. */
export interface NotedRequest extends UncorrelatedRequest {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}

class Entry implements NotedRequest {
  time = 0;
  method = '';
  host = '';
  path = '';
  hadTraceparent = false;
  namedUnknownSession = false;
}

/**
 * The outbound requests that no session claimed, the last 256 of them. The entries are used over and over: a
 * request that is nobody's must cost next to nothing.
 */
export class Uncorrelated {
  readonly #ring: readonly Entry[] = Array.from({ length: CAPACITY }, () => new Entry());
  #total = 0;

  /** How many there were in all. */
  get total(): number {
    return this.#total;
  }

  note({ method, host, path, hadTraceparent, namedUnknownSession }: UncorrelatedRequest): void {
    const entry = this.#ring[this.#total++ % CAPACITY] as Entry;
    entry.time = Date.now();
    entry.method = method;
    entry.host = host;
    entry.path = path;
    entry.hadTraceparent = hadTraceparent;
    entry.namedUnknownSession = namedUnknownSession;
  }

  /**
   * Those that are still remembered, newest first; copies, since entries are used again.
   *
   * @param total leaves out what came before the total was that
   */
  since(total = 0): NotedRequest[] {
    const requests: NotedRequest[] = [];
    for (let i = this.#total - 1; i >= Math.max(total, this.#total - CAPACITY); i--) {
      requests.push({ ...(this.#ring[i % CAPACITY] as Entry) });
    }
    return requests;
  }
}

/** Why a request was probably not tied to a session, and what to do about it: one sentence. */
export function likelyReason({ hadTraceparent, namedUnknownSession }: UncorrelatedRequest): string {
  if (namedUnknownSession) {
    return 'it named a session that is not open: the id is misspelt, or the session was closed, or expired, before the call was made';
  }
  if (hadTraceparent) {
    return "its traceparent belongs to no session's trace: the app starts a new trace for its calls, or it is background work, or the request that caused it did not come through the ingress listener with a session id; propagate the context of the inbound request";
  }
  return 'it had no trace headers at all, so this HTTP client is not instrumented: propagate the W3C headers (traceparent, tracestate), or put the session id as the user name into HTTP_PROXY=http://<sessionId>:x@host:port, or start with --fallback-session sole';
}
