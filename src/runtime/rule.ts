import {
  type CompiledWhen,
  compileJsonPath,
  compileWhen,
  type ExtraRedaction,
  type Hop,
  InvalidWhenError,
  IssueList,
  pointerTo,
  type Rule,
  type ValidationIssue,
} from '../cases/index.ts';
import type { Decision, Forward, Respond } from './decision.ts';
import { InvalidResponseError, prepareResponse } from './prepared-response.ts';
import { RecentMap } from './recent-map.ts';

/** Where a rule comes from; on a tie of priorities the later one wins (CONTRACT section 7). */
export const LAYER = { case: 0, session: 1 } as const;

/** Mistakes after which the rest of a document is not looked at: nobody mends more of them at a time. */
const MAX_ISSUES = 20;

/**
 * Traces that a rule which serves each trace once remembers at least. An id is 32 characters, so that a rule keeps
 * about two megabytes at most. A trace that is forgotten can be served again.
 */
const SERVED_TRACES = 10_000;

/** A decision for sessions that record everything, and one for those that do not. */
interface DecisionPair {
  readonly recording: Decision;
  readonly notRecording: Decision;
}

/** A rule that is ready to decide. */
export class CompiledRule {
  /** `id`, else `name`, else where the rule stands in its document. */
  readonly label: string;
  readonly when: CompiledWhen;
  readonly action: Rule['then']['action'];
  readonly priority: number;
  /** One of {@link LAYER}. */
  readonly layer: number;
  readonly #position: number;
  readonly #isOnce: boolean;
  readonly #decisions: DecisionPair | undefined;
  /** Who was served, where a `consume: once` rule serves each trace once. */
  readonly #servedTraces: RecentMap<true> | undefined;
  #isSpent = false;

  constructor(
    rule: Rule,
    place: { layer: number; position: number },
    when: CompiledWhen,
    decisions: DecisionPair | undefined,
  ) {
    this.label = labelOf(rule, place.position);
    this.when = when;
    this.action = rule.then.action;
    this.priority = rule.priority ?? 0;
    this.layer = place.layer;
    this.#position = place.position;
    const isPerTrace = rule.consume === 'once' && rule.consumeScope === 'trace';
    this.#isOnce = rule.consume === 'once' && !isPerTrace;
    this.#servedTraces = isPerTrace ? new RecentMap<true>(SERVED_TRACES) : undefined;
    this.#decisions = decisions;
  }

  /** A `consume: once` rule of the session that was served. It never matches again. */
  get isSpent(): boolean {
    return this.#isSpent;
  }

  /** It is `consume: once` for each trace. */
  get isPerTrace(): boolean {
    return this.#servedTraces !== undefined;
  }

  /** A `consume: once` rule that was served, to the hop's trace where that is what counts. */
  isSpentFor(hop: Hop): boolean {
    return this.#isSpent || this.#servedTraces?.get(traceOf(hop)) === true;
  }

  /** Highest priority, then later layer, then later entry. Two different rules never tie. */
  outranks(other: CompiledRule): boolean {
    if (this.priority !== other.priority) return this.priority > other.priority;
    if (this.layer !== other.layer) return this.layer > other.layer;
    return this.#position > other.#position;
  }

  /** What it decides; undefined for the deprecated `replay`, which is a miss. Changes nothing. */
  decisionFor(recording: boolean): Decision | undefined {
    return recording ? this.#decisions?.recording : this.#decisions?.notRecording;
  }

  /** Counts that the rule was served to this hop. */
  take(hop: Hop): void {
    this.#isSpent = this.#isOnce;
    this.#servedTraces?.set(traceOf(hop), true);
  }
}

/** Orders rules highest rank first. */
export function byRank(left: CompiledRule, right: CompiledRule): number {
  return left.outranks(right) ? -1 : 1;
}

/** Hops of which no trace is known count as one trace. */
function traceOf({ traceId = '' }: Hop): string {
  return traceId;
}

/** Rules of one layer, ready to decide. */
export interface CompiledRules {
  readonly rules: readonly CompiledRule[];
  readonly warnings: readonly string[];
}

/** Rules that cannot be used. `issues` is never empty; pointers are into the document: `/rules/3/when/host`. */
export class InvalidRulesError extends Error {
  override readonly name = 'InvalidRulesError';
  readonly issues: readonly ValidationIssue[];

  constructor(issues: readonly ValidationIssue[]) {
    super(issues.map(({ pointer, message }) => `${pointer}: ${message}`).join('; '));
    this.issues = issues;
  }
}

/**
 * Compiles rules that fit their schema: expressions, paths, response bytes.
 *
 * @throws {InvalidRulesError} that names every rule which cannot be used
 */
export function compileRules(rules: readonly Rule[], layer: number): CompiledRules {
  const list = new IssueList();
  const compiled: CompiledRule[] = [];
  for (const [position, rule] of rules.entries()) {
    if (list.issues.length >= MAX_ISSUES) break;
    const pointer = pointerTo('rules', position);
    const when = compileRuleWhen(rule, pointer, list);
    const decisions = compileAction(rule, position, `${pointer}/then`, list);
    if (when !== undefined) compiled.push(new CompiledRule(rule, { layer, position }, when, decisions));
  }
  if (list.issues.length > 0) throw new InvalidRulesError(list.issues);
  return { rules: compiled, warnings: rules.flatMap(warningsFor) };
}

function labelOf(rule: Rule, position: number): string {
  return rule.id || rule.name || `rules/${position}`;
}

function compileRuleWhen(rule: Rule, pointer: string, list: IssueList): CompiledWhen | undefined {
  try {
    return compileWhen(rule.when);
  } catch (error) {
    if (!(error instanceof InvalidWhenError)) throw error;
    list.addAll(`${pointer}/when`, error.issues);
    return undefined;
  }
}

function compileAction(
  rule: Rule,
  position: number,
  pointer: string,
  list: IssueList,
): DecisionPair | undefined {
  const { action, response, error, captureOnly } = rule.then;
  const label = labelOf(rule, position);
  const answersHead = rule.when.method?.toUpperCase() === 'HEAD';
  switch (action) {
    case 'mock':
      return attemptResponse(`${pointer}/response`, list, () =>
        answer(
          'mock',
          label,
          response?.latencyMs ?? 0,
          prepareResponse(response ?? {}, 'mock', label, answersHead),
        ),
      );
    case 'error':
      return attemptResponse(`${pointer}/error`, list, () =>
        answer('error', label, 0, prepareResponse({ status: 500, ...error }, 'error', label)),
      );
    case 'passthrough':
      return { recording: forward(label, true), notRecording: forward(label, false) };
    case 'capture_only': {
      const decision = forward(label, true, compileRedaction(captureOnly, `${pointer}/captureOnly`, list));
      return { recording: decision, notRecording: decision };
    }
    case 'replay':
      return undefined;
  }
}

function attemptResponse(
  pointer: string,
  list: IssueList,
  prepare: () => DecisionPair,
): DecisionPair | undefined {
  try {
    return prepare();
  } catch (error) {
    if (!(error instanceof InvalidResponseError)) throw error;
    list.addAll(pointer, error.issues);
    return undefined;
  }
}

function answer(
  outcome: Respond['outcome'],
  rule: string,
  latencyMs: number,
  response: Respond['response'],
): DecisionPair {
  const notRecording: Respond = { kind: 'respond', outcome, rule, response, latencyMs, record: false };
  return { recording: { ...notRecording, record: true }, notRecording };
}

function forward(rule: string, record: boolean, redaction?: ExtraRedaction): Forward {
  return { kind: 'forward', rule, record, redaction };
}

function compileRedaction(
  captureOnly: Rule['then']['captureOnly'],
  pointer: string,
  list: IssueList,
): ExtraRedaction | undefined {
  if (captureOnly === undefined) return undefined;
  const { redactHeaders = [], redactBodyPaths = [] } = captureOnly;
  for (const [index, path] of redactBodyPaths.entries()) {
    list.attempt(pointer + pointerTo('redactBodyPaths', index), () => compileJsonPath(path));
  }
  return { headers: redactHeaders.map((name) => name.toLowerCase()), bodyPaths: redactBodyPaths };
}

/** The part of `then` that each action reads. */
const PART_OF_ACTION = { mock: 'response', error: 'error', capture_only: 'captureOnly' } as const;

/** What a rule says in vain: it is accepted, but its author should hear of it. */
function warningsFor(rule: Rule, position: number): string[] {
  const { then, when } = rule;
  const warnings: string[] = [];
  if (rule.consumeScope !== undefined && rule.consume !== 'once') {
    warnings.push('"consumeScope" has no effect without "consume": "once"');
  }
  if (then.action === 'replay') {
    warnings.push(
      'the action "replay" is deprecated and counts as a miss; mock the recorded response instead',
    );
  }
  for (const [action, part] of Object.entries(PART_OF_ACTION)) {
    if (then[part] !== undefined && then.action !== action) {
      warnings.push(`"${part}" has no effect with the action "${then.action}"`);
    }
  }
  for (const key of ['path', 'pathPrefix'] as const) {
    const path = when[key];
    if (path !== undefined && !path.startsWith('/') && path !== '*') {
      warnings.push(`no request matches, because "${key}" does not begin with "/"`);
    }
  }
  return warnings.map((warning) => `rule ${JSON.stringify(labelOf(rule, position))}: ${warning}`);
}
