import { type Attribution, isValidTraceparent, spanIdOf, traceIdOf } from '../cases/index.ts';
import type { Runtime, SessionTicket } from '../runtime/index.ts';
import { readBaggageSession } from './baggage.ts';
import { readProxyUser } from './proxy-credential.ts';
import type { RequestHead } from './request-head.ts';
import { readSessionMember } from './trace-context.ts';
import type { TraceTable } from './trace-table.ts';

export interface CorrelatorOptions {
  readonly runtime: Runtime;
  /** Shared by both listeners: what comes in by one goes out by the other. */
  readonly traces: TraceTable;
  /** Proxy credentials are meant for a forward proxy: the egress listener. */
  readonly readsProxyCredentials: boolean;
  /** Tie what nothing else ties to the only open session. */
  readonly fallsBackToSole: boolean;
}

/**
 * Finds the session that a request belongs to: the ladder of CONTRACT section 2. The first step that names an
 * open session wins. An id that names none does not end the search: `x-session-id` in particular is a name that
 * apps use for sessions of their own.
 */
export class Correlator {
  readonly #options: CorrelatorOptions;

  constructor(options: CorrelatorOptions) {
    this.#options = options;
  }

  /** Notes in `head` what the request was tied by, or that it named a session which is not open. */
  find(head: RequestHead): SessionTicket | undefined {
    const session =
      this.#byHeader(head) ??
      (head.tracestate !== undefined
        ? this.#named(head, readSessionMember(head.tracestate), 'tracestate')
        : undefined) ??
      (head.baggage !== undefined
        ? this.#named(head, readBaggageSession(head.baggage), 'baggage')
        : undefined) ??
      this.#byTrace(head) ??
      this.#byProxyCredential(head);
    if (session !== undefined || head.namesUnknownSession) return session;
    return this.#options.fallsBackToSole ? this.#bySole(head) : undefined;
  }

  #byHeader(head: RequestHead): SessionTicket | undefined {
    const { softprobeSessionId, olderSessionIds: older } = head;
    if (softprobeSessionId !== undefined) {
      const session = this.#named(head, softprobeSessionId, 'header');
      if (session !== undefined) return session;
    }
    if (older === undefined) return undefined;
    return (
      this.#named(head, older['x-sp-session-id'], 'header') ??
      this.#named(head, older.sp_session_id, 'header') ??
      this.#tied(head, this.#open(older['x-session-id']), 'header')
    );
  }

  #byTrace(head: RequestHead): SessionTicket | undefined {
    const { traceparent, traceparentCount } = head;
    const { traces } = this.#options;
    if (traceparent === undefined || traces.isEmpty) return undefined;
    if (traceparentCount > 1 || !isValidTraceparent(traceparent)) return undefined;
    const traceId = traceIdOf(traceparent);
    const spanId = spanIdOf(traceparent);
    const sessionId = traces.find(traceId, spanId);
    if (sessionId === undefined) return undefined;
    const session = this.#open(sessionId);
    if (session === undefined) traces.forget(traceId, spanId);
    return this.#tied(head, session, 'trace-id');
  }

  #byProxyCredential(head: RequestHead): SessionTicket | undefined {
    const { proxyAuthorization } = head;
    if (proxyAuthorization === undefined || !this.#options.readsProxyCredentials) return undefined;
    return this.#named(head, readProxyUser(proxyAuthorization), 'proxy-credential');
  }

  #bySole(head: RequestHead): SessionTicket | undefined {
    return this.#tied(head, this.#options.runtime.soleSession(), 'sole-session');
  }

  /** The session of an id that was meant as one: that it is not open is worth knowing. */
  #named(head: RequestHead, id: string | undefined, attribution: Attribution): SessionTicket | undefined {
    if (id === undefined) return undefined;
    const session = this.#open(id);
    if (session === undefined) head.namesUnknownSession = true;
    return this.#tied(head, session, attribution);
  }

  #open(id: string | undefined): SessionTicket | undefined {
    return id === undefined ? undefined : this.#options.runtime.findSession(id);
  }

  #tied(
    head: RequestHead,
    session: SessionTicket | undefined,
    attribution: Attribution,
  ): SessionTicket | undefined {
    if (session !== undefined) head.attribution = attribution;
    return session;
  }
}
