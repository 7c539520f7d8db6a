import { type Hop, InvalidDocumentError, type Policy, type Rule } from '../cases/index.ts';
import type { Decision, Forward, NeedBody, Respond } from './decision.ts';
import { explainDecision, explainRules, whyNoRule } from './explain.ts';
import type { Explanation } from './explanation.ts';
import { nearestRules } from './nearest-rules.ts';
import { CompiledPolicy, forwardMiss, type Verdict } from './policy.ts';
import {
  byRank,
  type CompiledRule,
  type CompiledRules,
  compileRules,
  InvalidRulesError,
  LAYER,
} from './rule.ts';
import { RuleIndex } from './rule-index.ts';
import { describeRefusal, type Refusal, strictMiss } from './strict-miss.ts';

/** The body must be read before the decision stands. */
const NEED_BODY: NeedBody = { kind: 'need-body' };

const NO_BODY = new Uint8Array(0);

/**
 * All that decides a session's hops: its rules, those of its case, its policy. Who sets something hears of
 * every mistake, and a set that fails changes nothing.
 */
export class Rulebook {
  #sessionRules: RuleIndex | undefined;
  #caseRules: RuleIndex | undefined;
  #policy: CompiledPolicy | undefined;
  /** The rules of both layers, highest rank first; undefined until somebody asks why. */
  #ranked: readonly CompiledRule[] | undefined;

  /**
   * Replaces the session's own rules; what `consume: once` has counted for the old ones is forgotten.
   *
   * @param rules fit their schema
   * @returns warnings: deprecated actions, parts without effect
   * @throws {InvalidDocumentError} for a bad regular expression, JSONPath, host, header or body
   */
  setSessionRules(rules: readonly Rule[]): readonly string[] {
    const { rules: compiled, warnings } = compileLayer('rules', rules, LAYER.session);
    this.#sessionRules = indexOf(compiled);
    this.#ranked = undefined;
    return warnings;
  }

  /** As {@link setSessionRules}, for the rules of the session's case. They yield to the session's own. */
  setCaseRules(rules: readonly Rule[]): readonly string[] {
    const { rules: compiled, warnings } = compileLayer('case', rules, LAYER.case);
    this.#caseRules = indexOf(compiled);
    this.#ranked = undefined;
    return warnings;
  }

  /**
   * Replaces the policy; undefined forwards what no rule decides.
   *
   * @throws {InvalidDocumentError}
   */
  setPolicy(policy: Policy | undefined): void {
    this.#policy = policy === undefined ? undefined : new CompiledPolicy(policy);
  }

  /**
   * Decides a hop (CONTRACT sections 7 and 8). Never throws and does no I/O. When it answers `need-body`
   * nothing was counted: read the body, set `hop.body` (null where it is too large) and ask again.
   *
   * @param recording the session records every hop
   */
  decide(hop: Hop, recording: boolean): Decision {
    const winner = this.#findWinner(hop);
    const decision = this.#decisionOf(winner, hop, recording);
    if (winner !== undefined && decision.kind !== 'need-body') winner.take(hop);
    return decision;
  }

  /**
   * Decides on a CONNECT request (its `host` is the authority, its path ''), of which rules cannot answer what
   * is inside. A `passthrough` or `capture_only` rule that wins lets it out, unless the session is offline; else
   * the policy decides as for any hop, but its mock cannot answer either. No rule is counted as served.
   *
   * @param recording the session records every hop
   * @returns `forward`, or `respond` with outcome `strict-miss`
   */
  decideTunnel(hop: Hop, recording: boolean): Forward | Respond {
    if (hop.body === undefined) hop.body = NO_BODY;
    const winner = this.#findWinner(hop);
    const decision = winner?.decisionFor(recording);
    if (decision?.kind === 'forward' && this.#stands(decision, hop)) return decision;
    const verdict = this.#policy?.judge(hop);
    return verdict?.kind === 'refuse'
      ? this.#refuse(hop, verdict.refusal, recording, winner)
      : passMiss(verdict, recording);
  }

  /**
   * Says what {@link decide} would, and why: every rule with each of its predicates, the winner first, then
   * other rules that match, then the others, the closest first. Changes nothing.
   *
   * @param hop with its body, if it has one: what depends on a body that is undefined is said to
   */
  explain(hop: Hop, recording: boolean): Explanation {
    const winner = this.#findWinner(hop);
    const decision = this.#decisionOf(winner, hop, recording);
    return {
      decision: explainDecision(hop, decision, winner, this.#policy?.judge(hop)),
      rules: explainRules(this.#rulesByRank(), hop, decision.kind === 'need-body' ? undefined : winner),
    };
  }

  /**
   * What the `capture_only` rule says that wins for a hop which is over already, as it came by the OTLP API.
   * Nothing is counted.
   */
  captureRule(hop: Hop): Forward | undefined {
    const decision = this.#findWinner(hop)?.decisionFor(false);
    return decision?.kind === 'forward' && decision.record ? decision : undefined;
  }

  #findWinner(hop: Hop): CompiledRule | undefined {
    const winner = this.#sessionRules?.find(hop, undefined);
    return this.#caseRules === undefined ? winner : this.#caseRules.find(hop, winner);
  }

  /** Counts nothing. */
  #decisionOf(winner: CompiledRule | undefined, hop: Hop, recording: boolean): Decision {
    if (winner?.when.readsBody && hop.body === undefined) return NEED_BODY;
    const decision = winner?.decisionFor(recording);
    if (decision !== undefined && this.#stands(decision, hop)) return decision;
    const verdict = this.#policy?.judge(hop);
    if (verdict?.kind !== 'refuse') return passMiss(verdict, recording);
    return hop.body === undefined ? NEED_BODY : this.#refuse(hop, verdict.refusal, recording, winner);
  }

  /** Offline, a rule may answer but not let anything out. */
  #stands(decision: Decision, hop: Hop): boolean {
    return decision.kind !== 'forward' || this.#policy === undefined || this.#policy.letsOut(hop);
  }

  /**
   * @param hop with its body, which the answer covers
   * @param overruled the rule that wins, but does not decide
   */
  #refuse(hop: Hop, refusal: Refusal, record: boolean, overruled: CompiledRule | undefined): Respond {
    const message = describeRefusal(hop, refusal, whyNoRule(overruled));
    const nearMisses = nearestRules(this.#rulesByRank(), hop);
    return strictMiss(hop, message, this.#policy?.error, nearMisses, record);
  }

  #rulesByRank(): readonly CompiledRule[] {
    this.#ranked ??= [...(this.#sessionRules?.rules ?? []), ...(this.#caseRules?.rules ?? [])].sort(byRank);
    return this.#ranked;
  }
}

function passMiss(
  verdict: Exclude<Verdict, { kind: 'refuse' }> | undefined,
  recording: boolean,
): Forward | Respond {
  if (verdict?.kind === 'mock') return recording ? verdict.recording : verdict.notRecording;
  return forwardMiss(recording);
}

function indexOf(rules: readonly CompiledRule[]): RuleIndex | undefined {
  return rules.length === 0 ? undefined : new RuleIndex(rules);
}

function compileLayer(document: 'rules' | 'case', rules: readonly Rule[], layer: number): CompiledRules {
  try {
    return compileRules(rules, layer);
  } catch (error) {
    if (error instanceof InvalidRulesError) throw new InvalidDocumentError(document, error.issues);
    throw error;
  }
}
