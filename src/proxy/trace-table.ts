import { RecentMap } from '../runtime/index.ts';

/** Entries remembered at least, one or two for each request; twice as many at most, some 2 MB. */
const MIN_ENTRIES = 8192;

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
  readonly #sessions: RecentMap<string>;
  readonly #isOpen: (sessionId: string) => boolean;

  /** @param isOpen asked about the session that had a trace, when another one comes with it */
  constructor(limit = MIN_ENTRIES, isOpen: (sessionId: string) => boolean = () => false) {
    this.#sessions = new RecentMap(limit);
    this.#isOpen = isOpen;
  }

  get isEmpty(): boolean {
    return this.#sessions.isEmpty;
  }

  /** @param spanId of the hop, where the trace was not begun by it; one that was is its session's alone */
  remember(traceId: string, sessionId: string, spanId?: string): void {
    if (spanId === undefined) {
      this.#sessions.set(traceId, sessionId);
      return;
    }
    this.#sessions.set(traceId + spanId, sessionId);
    const known = this.#sessions.get(traceId);
    const isShared = known !== undefined && known !== sessionId && (known === SHARED || this.#isOpen(known));
    this.#sessions.set(traceId, isShared ? SHARED : sessionId);
  }

  /** The id of the session that the hop, or else its trace, belongs to; that session may be closed by now. */
  find(traceId: string, spanId = ''): string | undefined {
    const sessionId = this.#sessions.get(traceId + spanId) ?? this.#sessions.get(traceId);
    return sessionId === SHARED ? undefined : sessionId;
  }

  /** Forgets what `find` has found. */
  forget(traceId: string, spanId = ''): void {
    if (!this.#sessions.delete(traceId + spanId)) this.#sessions.delete(traceId);
  }
}
