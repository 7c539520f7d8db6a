import type { Direction, TraceContext } from '../cases/index.ts';
import type { SessionTicket } from '../runtime/index.ts';
import { withoutBaggageSession } from './baggage.ts';
import type { RequestHead } from './request-head.ts';
import { writeTraceparent, writeTracestate } from './trace-context.ts';

/** Gives a request the Host that its target names (RFC 9112 section 3.2.2), where it had another or none. */
export function replaceHost(fields: string[], host: string): void {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]?.length === 4 && fields[i]?.toLowerCase() === 'host') {
      fields[i + 1] = host;
      return;
    }
  }
  fields.unshift('Host', host);
}

/** Writes W3C Trace Context on what is forwarded for a session: the hop as parent, the session in front. */
export function writeTraceContext(head: RequestHead, trace: TraceContext, session: SessionTicket): void {
  const { fields } = head;
  if (head.traceparent !== undefined || head.tracestate !== undefined) removeFields(fields, isTraceField);
  fields.push('traceparent', writeTraceparent(trace));
  fields.push('tracestate', writeTracestate(head.tracestate, session.id));
}

/**
 * On egress the session leaves only inside `tracestate` (CONTRACT section 2). The older header names go where
 * they carry our id and not the app's own, and so does our member of `baggage`.
 */
export function removeSessionFields(head: RequestHead, session: SessionTicket, direction: Direction): void {
  if (direction !== 'outbound') return;
  if (head.olderSessionIds !== undefined) {
    removeFields(head.fields, (name, value) => value === session.id && OLDER_NAMES.has(name));
  }
  if (head.baggage !== undefined) removeBaggageMember(head.fields);
}

const OLDER_NAMES: ReadonlySet<string> = new Set(['x-sp-session-id', 'sp_session_id', 'x-session-id']);

function isTraceField(lowerName: string): boolean {
  return lowerName === 'traceparent' || lowerName === 'tracestate';
}

function removeBaggageMember(fields: string[]): void {
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    if (fields[i]?.toLowerCase() !== 'baggage') continue;
    const rest = withoutBaggageSession(fields[i + 1] ?? '');
    if (rest === '') fields.splice(i, 2);
    else fields[i + 1] = rest;
  }
}

/** Removes fields in place. */
export function removeFields(
  fields: string[],
  isUnwanted: (lowerName: string, value: string) => boolean,
): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    if (isUnwanted(name.toLowerCase(), value)) continue;
    fields[kept++] = name;
    fields[kept++] = value;
  }
  fields.length = kept;
}
