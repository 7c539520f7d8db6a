import type { Policy, Rule } from '../cases/index.ts';
import type { Explanation } from './explanation.ts';
import type { ExplainedMiss } from './miss-log.ts';
import type { Session, SessionMode, SessionStats } from './session.ts';
import { likelyReason, type Uncorrelated } from './uncorrelated.ts';

/** How much is shown of the path of a request of no session, in characters. */
const MAX_PATH_LENGTH = 1000;

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

/** The strict misses of a session. */
export interface ReportedMisses {
  readonly sessionId: string;
  readonly sessionRevision: number;
  /** How many there were; of these the last hundred are told. */
  readonly total: number;
  /** Newest first. */
  readonly misses: readonly ExplainedMiss[];
}

/** What a session would do with a hop, and why. */
export interface ExplainedHop extends Explanation {
  readonly sessionId: string;
  readonly sessionRevision: number;
}

/** The outbound requests of no session that are remembered. */
export interface ReportedUncorrelated {
  /** Newest first. */
  readonly requests: readonly {
    /** ISO 8601, UTC. */
    readonly time: string;
    readonly method: string;
    readonly host: string;
    readonly path: string;
    readonly hadTraceparent: boolean;
    /** Why it was not tied to a session, and what to do: one sentence. */
    readonly likelyReason: string;
  }[];
  /** How many there were since the start. */
  readonly total: number;
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

export function reportMisses({ id, revision, misses }: Session): ReportedMisses {
  return { sessionId: id, sessionRevision: revision, total: misses.total, misses: misses.newestFirst };
}

export function reportUncorrelated(uncorrelated: Uncorrelated): ReportedUncorrelated {
  const requests = uncorrelated.since().map((request) => ({
    time: new Date(request.time).toISOString(),
    method: request.method,
    host: request.host,
    path: beginningOf(request.path),
    hadTraceparent: request.hadTraceparent,
    likelyReason: likelyReason(request),
  }));
  return { requests, total: uncorrelated.total };
}

/** A path may be as long as a request head; nobody needs all of it to know the call again. */
function beginningOf(path: string): string {
  return path.length <= MAX_PATH_LENGTH ? path : `${path.slice(0, MAX_PATH_LENGTH)}…`;
}

/** The same shape with every value hidden. Keys are data here: entries are defined, never assigned. */
function maskValues(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(maskValues);
  if (typeof value !== 'object' || value === null) return '***';
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskValues(inner)]));
}
