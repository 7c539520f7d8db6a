import { type Hop, InvalidDocumentError, type Policy, type Rule } from '../cases/index.ts';
import type { Decision, Forward } from './decision.ts';
import { CompiledPolicy, forwardMiss, NEED_BODY } from './policy.ts';
import { type CompiledRule, type CompiledRules, compileRules, InvalidRulesError, LAYER } from './rule.ts';
import { RuleIndex } from './rule-index.ts';

/**
 * All that decides a session's hops: its rules, those of its case, its policy. Who sets something hears of
 * every mistake, and a set that fails changes nothing.
 */
export class Rulebook {
  #sessionRules: RuleIndex | undefined;
  #caseRules: RuleIndex | undefined;
  #policy: CompiledPolicy | undefined;

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
    return warnings;
  }

  /** As {@link setSessionRules}, for the rules of the session's case. They yield to the session's own. */
  setCaseRules(rules: readonly Rule[]): readonly string[] {
    const { rules: compiled, warnings } = compileLayer('case', rules, LAYER.case);
    this.#caseRules = indexOf(compiled);
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
    if (winner === undefined) return this.#decideMiss(hop, recording);
    if (winner.when.readsBody && hop.body === undefined) return NEED_BODY;
    const decision = winner.decisionFor(recording) ?? this.#decideMiss(hop, recording);
    if (decision.kind !== 'need-body') winner.take();
    return decision;
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

  #decideMiss(hop: Hop, recording: boolean): Decision {
    return this.#policy === undefined ? forwardMiss(recording) : this.#policy.decide(hop, recording);
  }
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
