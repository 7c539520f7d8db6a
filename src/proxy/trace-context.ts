import { randomBytes } from 'node:crypto';
import { isValidTraceparent, spanIdOf, type TraceContext, traceIdOf } from '../cases/index.ts';

/** List member under which the session travels in `tracestate` (CONTRACT section 2). */
const SESSION_MEMBER = 'x-softprobe-session-id';
/** Members of ours, also under older names: replaced or dropped, never doubled. */
const OWN_MEMBERS = new Set([SESSION_MEMBER, 'x-sp-session-id', 'x-sp-traceparent']);
/** W3C Trace Context section 3.3.1.1: a list has at most 32 members. */
const MAX_MEMBERS = 32;

/**
 * Places a hop in its trace: below the span that a valid `traceparent` names, else at the root of a new one.
 * More than one field is invalid.
 */
export function continueTrace(traceparent: string | undefined, count: number): TraceContext {
  if (traceparent !== undefined && count === 1 && isValidTraceparent(traceparent)) {
    return {
      traceId: traceIdOf(traceparent),
      spanId: randomHex(8),
      parentSpanId: spanIdOf(traceparent),
      flags: Number.parseInt(traceparent.slice(53, 55), 16),
    };
  }
  return { traceId: randomHex(16), spanId: randomHex(8), parentSpanId: undefined, flags: 1 };
}

/** The `traceparent` that tells the next hop that this one is its parent. Always version 00. */
export function writeTraceparent(trace: TraceContext): string {
  const flags = trace.flags < 16 ? `0${trace.flags.toString(16)}` : trace.flags.toString(16);
  return `00-${trace.traceId}-${trace.spanId}-${flags}`;
}

/** The session id in a `tracestate` list, also under the older key; undefined where there is none. */
export function readSessionMember(tracestate: string): string | undefined {
  // Most lists are other vendors'; a substring search settles those without splitting.
  if (!tracestate.includes('session-id=')) return undefined;
  let older: string | undefined;
  for (const member of tracestate.split(',')) {
    const equals = member.indexOf('=');
    if (equals < 0) continue;
    const key = member.slice(0, equals).trim();
    if (key === SESSION_MEMBER) return member.slice(equals + 1).trim();
    if (key === 'x-sp-session-id') older ??= member.slice(equals + 1).trim();
  }
  return older;
}

/**
 * A `tracestate` list with the session first. Members of ours are replaced, other vendors' keep their order,
 * and what exceeds 32 members falls off at the right.
 */
export function writeTracestate(tracestate: string | undefined, sessionId: string): string {
  const own = ownMember(sessionId);
  if (tracestate === undefined || tracestate === own) return own;
  let list = own;
  let members = 1;
  for (const part of tracestate.split(',')) {
    const member = part.trim();
    if (member === '') continue;
    const equals = member.indexOf('=');
    if (OWN_MEMBERS.has(equals < 0 ? member : member.slice(0, equals).trimEnd())) continue;
    if (members === MAX_MEMBERS) break;
    list += `,${member}`;
    members += 1;
  }
  return list;
}

// Requests of one session mostly come one after another: the same string serves them all.
let lastSessionId = '';
let lastMember = '';

function ownMember(sessionId: string): string {
  if (sessionId !== lastSessionId) {
    lastSessionId = sessionId;
    lastMember = `${SESSION_MEMBER}=${sessionId}`;
  }
  return lastMember;
}

// Ids are cut from a pool of random digits: one call into the kernel's generator for some hundred of them.
const POOL_BYTES = 4096;
const ZEROS = '0'.repeat(32);
let pool = '';
let used = 0;

/** Random lower-case hex digits for `bytes` octets; never all zero. */
export function randomHex(bytes: 8 | 16): string {
  const length = bytes * 2;
  for (;;) {
    if (used + length > pool.length) {
      pool = randomBytes(POOL_BYTES).toString('hex');
      used = 0;
    }
    const hex = pool.slice(used, used + length);
    used += length;
    if (!ZEROS.startsWith(hex)) return hex;
  }
}
