import {
  type Attribution,
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
import type { Decision, Forward, Respond, SessionTicket } from './decision.ts';
import { HopCounts } from './hop-counts.ts';
import { MissLog, type StrictMiss } from './miss-log.ts';
import type { Recording } from './recording.ts';
import { Rulebook } from './rulebook.ts';

export type SessionMode = SessionRequest['mode'];

/** How much larger a span is in memory than in its encoding, roughly. */
const PARSED_SIZE = 3;

export interface SessionStats {
  /** Hops answered by a rule, or by a policy's mock. */
  readonly injectedSpans: number;
  /** Exchanges recorded. */
  readonly extractedSpans: number;
  readonly strictMisses: number;
  /** Beyond: outbound hops, tunnels among them, that were let out. A replay can attest 0. */
  readonly forwardedOutbound: number;
  /** Beyond: hops that were decided, by what tied them to the session; only what occurred. */
  readonly attribution: Readonly<Partial<Record<Attribution, number>>>;
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
  /** How many requests of no session there had been when the session was created. */
  readonly uncorrelatedBefore: number;
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
  readonly uncorrelatedBefore: number;
  readonly rulebook = new Rulebook();
  /** The hops that were decided for it. */
  readonly hops = new HopCounts();
  readonly misses = new MissLog();
  /** Milliseconds since the Unix epoch of the last sign of life. */
  lastUsed = Date.now();
  #revision = 0;
  #policy: Policy | undefined;
  #rules: readonly Rule[] | undefined;
  #caseDocument: CaseDocument | undefined;
  #fixtures: AuthFixtures | undefined;
  #injected = 0;
  #extracted = 0;

  constructor({ id, mode, caseId, ttlMs, recording, redactor, uncorrelatedBefore }: SessionOptions) {
    this.id = id;
    this.mode = mode;
    this.caseId = caseId;
    this.ttlMs = ttlMs;
    this.recording = recording;
    this.redactor = redactor;
    this.uncorrelatedBefore = uncorrelatedBefore;
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
    const { hops, misses } = this;
    const occurred = Object.entries(hops.byAttribution).filter(([, count]) => count > 0);
    const lastStrictMiss = misses.last;
    return {
      injectedSpans: this.#injected,
      extractedSpans: this.#extracted,
      strictMisses: misses.total,
      forwardedOutbound: hops.forwardedOutbound,
      attribution: Object.fromEntries(occurred),
      ...(lastStrictMiss && { lastStrictMiss }),
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
    if (decision.kind !== 'need-body') this.#count(hop, decision);
    return decision;
  }

  /** Decides whether a CONNECT may go out. One that may is not counted yet: see {@link countTunnel}. */
  decideTunnel(hop: Hop): Forward | Respond {
    const decision = this.rulebook.decideTunnel(hop, this.recordsAll);
    if (decision.kind === 'respond') this.#count(hop, decision);
    return decision;
  }

  /** A tunnel did go out. */
  countTunnel(hop: Hop, decision: Forward): void {
    this.#count(hop, decision);
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

  #count(hop: Hop, decision: Forward | Respond): void {
    this.hops.count(hop, decision);
    if (decision.kind === 'forward') return;
    if (decision.outcome === 'strict-miss') this.misses.add(hop, decision);
    else this.#injected++;
  }
}
