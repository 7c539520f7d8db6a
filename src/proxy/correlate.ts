import type { Direction } from '../cases/index.ts';
import type { Runtime, SessionTicket } from '../runtime/index.ts';
import type { RequestHead } from './request-head.ts';
import { readSessionMember } from './trace-context.ts';

/**
 * Which session does a request belong to? CONTRACT section 2, steps 1 and 2; the first step that names an
 * open session wins. An id that names none does not end the search: `x-session-id` in particular is a name
 * that apps use for sessions of their own.
 */
export function correlate(
  head: RequestHead,
  runtime: Runtime,
  direction: Direction,
): SessionTicket | undefined {
  const { softprobeSessionId, olderSessionIds: older, tracestate } = head;
  if (softprobeSessionId === undefined && older === undefined && tracestate === undefined) return undefined;

  let named = false;
  if (softprobeSessionId !== undefined) {
    const session = runtime.findSession(softprobeSessionId);
    if (session !== undefined) return session;
    named = true;
  }
  if (older !== undefined) {
    for (const id of [older['x-sp-session-id'], older.sp_session_id, older['x-session-id']]) {
      const session = id === undefined ? undefined : runtime.findSession(id);
      if (session !== undefined) return session;
    }
    named ||= older['x-sp-session-id'] !== undefined || older.sp_session_id !== undefined;
  }
  if (tracestate !== undefined) {
    const id = readSessionMember(tracestate);
    if (id !== undefined) {
      const session = runtime.findSession(id);
      if (session !== undefined) return session;
      named = true;
    }
  }
  if (named) runtime.countUnknownSession(direction);
  return undefined;
}
