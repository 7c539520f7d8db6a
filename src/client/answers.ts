import type { Policy, Rule, SessionRequest } from '../cases/index.ts';

/*
 * What the control API answers (CONTRACT section 3), as far as a test looks at it.
 */

/** A change of a session was made. */
export interface SessionChange {
  readonly sessionId: string;
  readonly sessionRevision: number;
  /** Deprecated parts of what was sent, parts without effect; absent where there are none. */
  readonly warnings?: readonly string[];
}

export interface LoadedCase extends SessionChange {
  readonly caseId: string;
  readonly traceCount: number;
}

export interface AppliedRules extends SessionChange {
  /** All rules of the session, not only the new ones. */
  readonly ruleCount: number;
}

export interface StartedSession {
  readonly sessionId: string;
  readonly sessionRevision: number;
  readonly mode: SessionRequest['mode'];
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

export interface SessionStats {
  /** Hops answered by a rule, or by a policy's mock. */
  readonly injectedSpans: number;
  /** Exchanges recorded. */
  readonly extractedSpans: number;
  /** Hops that a policy blocked because no rule answered them. */
  readonly strictMisses: number;
  /** Outbound hops that were let out: 0 proves that a replay was offline. */
  readonly forwardedOutbound: number;
  /** Hops by what tied them to the session; only what occurred. */
  readonly attribution: Readonly<Record<string, number>>;
  /** Hops that found no room in the recording; absent while all did. */
  readonly droppedSpans?: number;
}

/** A predicate that a hop does not fulfil. */
export interface FailedPredicate {
  readonly key: string;
  /** JSON Pointer into the rule's `when`. */
  readonly pointer: string;
  readonly expected: unknown;
  /** What the hop has; absent where it has nothing. */
  readonly actual?: unknown;
  readonly hint?: string;
}

export interface NearMiss {
  /** Label of the rule. */
  readonly rule: string;
  readonly failed: readonly FailedPredicate[];
}

/** A hop that a policy blocked because no rule answered it. */
export interface StrictMiss {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly path: string;
    readonly url: string;
  };
  readonly requestFingerprint: string;
  /** The rules that came nearest, nearest first. */
  readonly nearMisses: readonly NearMiss[];
  /** Would have matched; its response is a placeholder. */
  readonly suggestedRule: Rule;
}

/** What a session would do with a request, and why. */
export interface Explanation {
  readonly sessionId: string;
  readonly sessionRevision: number;
  readonly decision: {
    /** `need-body` where it depends on a body that was not given. */
    readonly kind: 'respond' | 'forward' | 'need-body';
    readonly outcome?: 'mock' | 'error' | 'strict-miss' | 'forward';
    readonly rule?: string;
    readonly status?: number;
    readonly reason: string;
  };
  /** Every rule, the one that decides first, then the closest. */
  readonly rules: readonly {
    readonly rule: string;
    readonly layer: 'case' | 'session';
    readonly priority: number;
    readonly action: string;
    readonly matches: boolean;
    readonly spent?: true;
    readonly won?: true;
    readonly predicates: readonly (FailedPredicate & { readonly held: boolean })[];
  }[];
}

/** What `GET /v1/sessions/{id}/state` says that the client needs. */
export interface SessionState {
  readonly policy?: Policy;
  readonly rules?: readonly Rule[];
}

export interface ClosedSession {
  readonly sessionId: string;
  readonly closed: true;
  /** Absolute path, on the runtime's machine, of the case file; absent where nothing was recorded. */
  readonly capturePath?: string;
  readonly stats: SessionStats;
  /** What is probably wrong with how the service was set up; absent where there is nothing to say. */
  readonly warnings?: readonly string[];
}
