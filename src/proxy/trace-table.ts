/** Entries remembered, one or two for each request; at some 150 bytes each this is 10 MB at most. */
const MAX_ENTRIES = 65_536;

/** In the place of a session id: more than one open session has the trace. No session has this id. */
const SHARED = '';

/**
 * Remembers which session the ingress saw a trace in, so that an app that passes on nothing but `traceparent`
 * is tied to its test all the same (CONTRACT section 2, step 4). Bounded: what was used least recently goes first.
 * Ids are kept, not sessions: an entry whose session has been closed leads nowhere and holds nothing in memory.
 *
 * A test suite that is traced itself may run several tests in one trace. So each hop of such a trace is remembered
 * by its span, too: an app that hands its `traceparent` on unchanged names it. The trace alone ties only while one
 * open session has it, since a call in the wrong test is worse than a call in none.
 */
export class TraceTable {
  /** By trace id, or by trace id and span id together. */
  readonly #sessions = new Map<string, string>();
  readonly #limit: number;
  readonly #isOpen: (sessionId: string) => boolean;

  /** @param isOpen asked about the session that had a trace, when another one comes with it */
  constructor(limit = MAX_ENTRIES, isOpen: (sessionId: string) => boolean = () => false) {
    this.#limit = limit;
    this.#isOpen = isOpen;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** @param spanId of the hop, where the trace was not begun by it */
  remember(traceId: string, sessionId: string, spanId?: string): void {
    if (spanId !== undefined) this.#put(traceId + spanId, sessionId);
    const known = this.#sessions.get(traceId);
    const isShared = known !== undefined && known !== sessionId && (known === SHARED || this.#isOpen(known));
    this.#put(traceId, isShared ? SHARED : sessionId);
  }

  /** The id of the session that the hop, or else its trace, belongs to; that session may be closed by now. */
  find(traceId: string, spanId = ''): string | undefined {
    const hop = traceId + spanId;
    const key = this.#sessions.has(hop) ? hop : traceId;
    const sessionId = this.#sessions.get(key);
    if (sessionId === undefined) return undefined;
    this.#put(key, sessionId);
    return sessionId === SHARED ? undefined : sessionId;
  }

  /** Forgets what `find` has found. */
  forget(traceId: string, spanId = ''): void {
    if (!this.#sessions.delete(traceId + spanId)) this.#sessions.delete(traceId);
  }

  #put(key: string, sessionId: string): void {
    // A Map keeps the order of insertion: put in again, the entry is the newest.
    this.#sessions.delete(key);
    this.#sessions.set(key, sessionId);
    if (this.#sessions.size > this.#limit) {
      for (const oldest of this.#sessions.keys()) {
        this.#sessions.delete(oldest);
        break;
      }
    }
  }
}
