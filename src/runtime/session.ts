import {
  type AuthFixtures,
  type CaseDocument,
  type Hop,
  millisecondsOf,
  type Policy,
  Redactor,
  type Rule,
  type SessionRequest,
  type Span,
  type TracesData,
} from '../cases/index.ts';
import type { Decision, SessionTicket } from './decision.ts';
import { requestFingerprint } from './fingerprint.ts';
import type { Recording } from './recording.ts';
import { Rulebook } from './rulebook.ts';

export type SessionMode = SessionRequest['mode'];

/** How much larger a span is in memory than in its encoding, roughly. */
const PARSED_SIZE = 3;

/** The hop that a strict policy refused last. */
export interface StrictMiss {
  readonly method: string;
  readonly url: string;
  /** The `requestFingerprint` that the client of the proxy was shown. */
  readonly fingerprint: string;
  /** ISO 8601, UTC. */
  readonly time: string;
}

export interface SessionStats {
  /** Hops answered by a rule, or by a policy's mock. */
  readonly injectedSpans: number;
  /** Exchanges recorded. */
  readonly extractedSpans: number;
  readonly strictMisses: number;
  readonly lastStrictMiss?: StrictMiss;
  /** Beyond: hops that found no room in the recording; absent while all did. */
  readonly droppedSpans?: number;
}

export interface SessionOptions {
  readonly id: string;
  readonly mode: SessionMode;
  readonly caseId: string | undefined;
  readonly ttlMs: number;
  readonly recording: Recording;
  /** Undefined where nothing is to be redacted. */
  readonly redactor: Redactor | undefined;
}

/**
 * One test's scope: its rules, its policy, what it recorded, what it counted.
 *
 * Invariant: `revision` moves by exactly one for each successful change, and a change that fails leaves
 * everything as it was. So each change first does what can fail.
 */
export class Session implements SessionTicket {
  readonly id: string;
  readonly mode: SessionMode;
  /** As the creator of the session named it. */
  readonly caseId: string | undefined;
  readonly ttlMs: number;
  readonly createdAt = new Date();
  readonly recording: Recording;
  readonly redactor: Redactor | undefined;
  readonly rulebook = new Rulebook();
  /** Milliseconds since the Unix epoch of the last sign of life. */
  lastUsed = Date.now();
  #revision = 0;
  #policy: Policy | undefined;
  #rules: readonly Rule[] | undefined;
  #caseDocument: CaseDocument | undefined;
  #fixtures: AuthFixtures | undefined;
  #injected = 0;
  #extracted = 0;
  #strictMisses = 0;
  #lastStrictMiss: StrictMiss | undefined;

  constructor({ id, mode, caseId, ttlMs, recording, redactor }: SessionOptions) {
    this.id = id;
    this.mode = mode;
    this.caseId = caseId;
    this.ttlMs = ttlMs;
    this.recording = recording;
    this.redactor = redactor;
  }

  get revision(): number {
    return this.#revision;
  }

  get policy(): Policy | undefined {
    return this.#policy;
  }

  /** The session rules as they came; undefined where none were ever set. */
  get rules(): readonly Rule[] | undefined {
    return this.#rules;
  }

  get caseDocument(): CaseDocument | undefined {
    return this.#caseDocument;
  }

  get fixtures(): AuthFixtures | undefined {
    return this.#fixtures;
  }

  get stats(): SessionStats {
    return {
      injectedSpans: this.#injected,
      extractedSpans: this.#extracted,
      strictMisses: this.#strictMisses,
      ...(this.#lastStrictMiss && { lastStrictMiss: this.#lastStrictMiss }),
      ...(this.recording.dropped > 0 && { droppedSpans: this.recording.dropped }),
    };
  }

  /** Does the session record every hop, or only those that a rule names? */
  get recordsAll(): boolean {
    return this.mode === 'capture';
  }

  /** The policy that a session is created with belongs to revision 0. */
  startWithPolicy(policy: Policy): void {
    this.rulebook.setPolicy(policy);
    this.#policy = policy;
  }

  setPolicy(policy: Policy): void {
    this.startWithPolicy(policy);
    this.#revision++;
  }

  /** @returns warnings about deprecated parts */
  setRules(rules: readonly Rule[]): readonly string[] {
    const warnings = this.rulebook.setSessionRules(rules);
    this.#rules = rules;
    this.#revision++;
    return warnings;
  }

  /** Its rules become the case layer, also when it has none. @returns warnings about deprecated parts */
  loadCase(document: CaseDocument): readonly string[] {
    const warnings = this.rulebook.setCaseRules(document.rules ?? []);
    this.#caseDocument = document;
    this.#revision++;
    return warnings;
  }

  setFixtures(fixtures: AuthFixtures): void {
    this.#fixtures = fixtures;
    this.#revision++;
  }

  decide(hop: Hop): Decision {
    const decision = this.rulebook.decide(hop, this.recordsAll);
    if (decision.kind === 'respond') {
      if (decision.outcome === 'strict-miss') this.#countStrictMiss(hop);
      else this.#injected++;
    }
    return decision;
  }

  countExtracted(): void {
    this.#extracted++;
  }

  /** Keeps a span of a proxy outside, redacted, where the session or a rule wants it recorded. */
  receive(hop: Hop, span: Span, traces: TracesData, bytes: number): void {
    const rule = this.rulebook.captureRule(hop);
    if (!this.recordsAll && rule === undefined) return;
    const redactor = this.redactor ?? (rule?.redaction && new Redactor({ defaults: false }));
    this.recording.receive(
      {
        startTime: millisecondsOf(span.startTimeUnixNano),
        traces: redactor?.redactTraces(traces, rule?.redaction) ?? traces,
      },
      bytes * PARSED_SIZE,
    );
  }

  #countStrictMiss(hop: Hop): void {
    this.#strictMisses++;
    const { method, scheme, host, path, query } = hop;
    this.#lastStrictMiss = {
      method,
      url: `${scheme}://${host}${path}${query === undefined ? '' : `?${query}`}`,
      fingerprint: requestFingerprint(hop),
      time: new Date().toISOString(),
    };
  }
}
