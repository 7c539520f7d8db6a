import type { Policy, Rule } from '../cases/index.ts';
import type { Session, SessionMode, SessionStats } from './session.ts';

/** What a successful change answers. */
export interface ChangedSession {
  readonly sessionId: string;
  readonly sessionRevision: number;
  /** Deprecated parts of what came in; absent where there are none. */
  readonly warnings?: readonly string[];
}

/** A session in the list of open ones. */
export interface ListedSession {
  readonly sessionId: string;
  readonly mode: SessionMode;
  readonly sessionRevision: number;
}

/** A session as its creator sees it. */
export interface CreatedSession extends ListedSession {
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

export interface SessionSnapshot extends ListedSession {
  readonly stats: SessionStats;
}

export interface SessionState extends SessionSnapshot {
  readonly policy?: Policy;
  /** The session rules, as they came. */
  readonly rules?: readonly Rule[];
  /** Every value masked. */
  readonly fixtures?: unknown;
  /** Of the case that was loaded. */
  readonly caseSummary: { readonly caseId?: string; readonly traceCount: number };
}

export function listSession({ id, mode, revision }: Session): ListedSession {
  return { sessionId: id, mode, sessionRevision: revision };
}

export function reportStats(session: Session): SessionSnapshot {
  return { ...listSession(session), stats: session.stats };
}

export function reportState(session: Session): SessionState {
  const { policy, rules, fixtures, caseDocument } = session;
  const caseId = caseDocument?.caseId ?? session.caseId;
  return {
    ...reportStats(session),
    ...(policy && { policy }),
    ...(rules && { rules }),
    ...(fixtures && { fixtures: maskValues(fixtures) }),
    caseSummary: { ...(caseId !== undefined && { caseId }), traceCount: caseDocument?.traces.length ?? 0 },
  };
}

/** The same shape with every value hidden. Keys are data here: entries are defined, never assigned. */
function maskValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskValues);
  if (typeof value !== 'object' || value === null) return '***';
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskValues(inner)]));
}
