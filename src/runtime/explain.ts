import type { Hop } from '../cases/index.ts';
import { closenessOf } from './closeness.ts';
import type { Decision } from './decision.ts';
import { explainRule } from './explain-rule.ts';
import type { ExplainedDecision, ExplainedRule } from './explanation.ts';
import type { Verdict } from './policy.ts';
import type { CompiledRule } from './rule.ts';
import { describeRefusal } from './strict-miss.ts';

/**
 * Every rule held against a hop: the winner, then the others that match, then the rest, the closest first; equals
 * in the order of their rank.
 *
 * @param rules highest rank first
 */
export function explainRules(
  rules: readonly CompiledRule[],
  hop: Hop,
  winner: CompiledRule | undefined,
): ExplainedRule[] {
  return rules
    .map((rule) => {
      const explained = explainRule(rule, hop, rule === winner);
      const closeness = closenessOf(rule, hop, (_, index) => explained.predicates[index]?.held === true);
      return { explained, place: placeOf(explained, closeness) };
    })
    .sort((left, right) => right.place - left.place)
    .map(({ explained }) => explained);
}

function placeOf({ won, matches }: ExplainedRule, closeness: number): number {
  if (won) return 3;
  return matches ? 2 : closeness;
}

/**
 * @param winner the rule that matches first; it does not decide where it is overruled or a `replay`
 * @param verdict what the policy says of the hop; undefined without a policy
 */
export function explainDecision(
  hop: Hop,
  decision: Decision,
  winner: CompiledRule | undefined,
  verdict: Verdict | undefined,
): ExplainedDecision {
  const reason = reasonFor(hop, decision, winner, verdict);
  switch (decision.kind) {
    case 'need-body':
      return { kind: 'need-body', reason };
    case 'forward':
      return { kind: 'forward', outcome: 'forward', ...labelled(decision.rule), reason };
    case 'respond': {
      const { kind, outcome, rule, response } = decision;
      return { kind, outcome, ...labelled(rule), status: response.status, reason };
    }
  }
}

function labelled(rule: string | undefined): { readonly rule?: string } {
  return rule === undefined ? {} : { rule };
}

function reasonFor(
  hop: Hop,
  decision: Decision,
  winner: CompiledRule | undefined,
  verdict: Verdict | undefined,
): string {
  if (decision.kind === 'need-body') {
    const asker = winner?.when.readsBody ? nameOf(winner) : 'the answer of the policy';
    return `${asker} depends on the request body, which is not known`;
  }
  if (decision.rule !== undefined) return `rule ${JSON.stringify(decision.rule)} ${deedOf(winner)}`;
  const noRule = winner === undefined ? 'no rule matches' : `${whyNoRule(winner)} it`;
  switch (verdict?.kind) {
    case undefined:
      return `${noRule}, and the session has no policy: it is let through`;
    case 'forward':
      return `${noRule}; the policy lets it through (${verdict.reason})`;
    case 'mock':
      return `${noRule}; the policy's mockResponse answers (defaultOnMiss is "mock")`;
    case 'refuse':
      return describeRefusal(hop, verdict.refusal, whyNoRule(winner));
  }
}

function deedOf(winner: CompiledRule | undefined): string {
  switch (winner?.action) {
    case 'passthrough':
      return 'lets it through';
    case 'capture_only':
      return 'lets it through and has it recorded';
    case 'error':
      return 'answers with an error';
    default:
      return 'answers';
  }
}

/**
 * Why no rule decides a hop, as a sentence that goes on with the hop.
 *
 * @param overruled the rule that matches first and still does not decide, if one does
 */
export function whyNoRule(overruled: CompiledRule | undefined): string {
  switch (overruled?.action) {
    case undefined:
      return 'no rule matches';
    case 'replay':
      return `${nameOf(overruled)}, whose action "replay" is deprecated and answers nothing, matches`;
    case 'passthrough':
    case 'capture_only':
      return `${nameOf(overruled)}, which would let it through, matches`;
    case 'mock':
    case 'error':
      return `${nameOf(overruled)}, which cannot answer inside a tunnel, matches`;
  }
}

function nameOf({ label }: CompiledRule): string {
  return `rule ${JSON.stringify(label)}`;
}
