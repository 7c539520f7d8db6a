/** A predicate of a rule, asked of a hop. Values are cut where they are long, and hidden where they are credentials. */
export interface ExplainedPredicate {
  /** The key of the rule's `when` that it comes from; `consume` for a rule that matches but was served before. */
  readonly key: string;
  /** JSON Pointer into the `when`: `/headers/x-tenant`. */
  readonly pointer: string;
  readonly held: boolean;
  /** As the rule has it. */
  readonly expected: unknown;
  /** What the hop has; absent where it has nothing. */
  readonly actual?: unknown;
  /** What is wrong, where the values do not tell it at a glance. */
  readonly hint?: string;
}

/** A rule, held against a hop. */
export interface ExplainedRule {
  /** Its label. */
  readonly rule: string;
  readonly layer: 'case' | 'session';
  readonly priority: number;
  readonly action: string;
  /** All predicates hold, and the rule may still be served. */
  readonly matches: boolean;
  /** Set where a `consume: once` rule has been served. */
  readonly spent?: true;
  /** Set for the rule that would decide. */
  readonly won?: true;
  /** In the order in which they are asked. */
  readonly predicates: readonly ExplainedPredicate[];
}

/** What would be decided for a hop, and why. */
export interface ExplainedDecision {
  /** `need-body` where it depends on a body that was not given. */
  readonly kind: 'respond' | 'forward' | 'need-body';
  readonly outcome?: 'mock' | 'error' | 'strict-miss' | 'forward';
  /** Label of the rule that decides; absent where the policy does. */
  readonly rule?: string;
  /** HTTP status of the answer, where there is one. */
  readonly status?: number;
  /** One sentence. */
  readonly reason: string;
}

/** Why a hop is decided as it is: each rule's part in it, the closest first. */
export interface Explanation {
  readonly decision: ExplainedDecision;
  readonly rules: readonly ExplainedRule[];
}

/** A rule that did not match, but nearly. */
export interface NearMiss {
  readonly rule: string;
  /** What it asks in vain. */
  readonly failed: readonly Omit<ExplainedPredicate, 'held'>[];
}
