import { type Hop, holds, type Predicate } from '../cases/index.ts';
import type { ExplainedPredicate, ExplainedRule, NearMiss } from './explanation.ts';
import { type CompiledRule, LAYER } from './rule.ts';
import { hiddenValue, shownValue } from './shown-value.ts';

/** Most failed predicates that a near miss names. */
const MAX_FAILED = 10;

/**
 * Holds a rule against a hop. It asks the very predicates that decide, so that the two cannot disagree, and
 * changes nothing.
 *
 * @param isWinner the rule decides this hop
 */
export function explainRule(rule: CompiledRule, hop: Hop, isWinner: boolean): ExplainedRule {
  const predicates = rule.when.predicates.map((predicate) => explainPredicate(predicate, hop));
  const isSpent = rule.isSpentFor(hop);
  return {
    rule: rule.label,
    layer: rule.layer === LAYER.session ? 'session' : 'case',
    priority: rule.priority,
    action: rule.action,
    matches: !isSpent && predicates.every(({ held }) => held),
    ...(isSpent && { spent: true }),
    ...(isWinner && { won: true }),
    predicates,
  };
}

/** What keeps a rule from deciding a hop; nothing failed where it matches. */
export function explainNearMiss(rule: CompiledRule, hop: Hop): NearMiss {
  const failed = rule.when.predicates
    .map((predicate) => explainPredicate(predicate, hop))
    .filter(({ held }) => !held)
    .slice(0, MAX_FAILED)
    .map(({ held: _, ...rest }) => rest);
  if (rule.isSpentFor(hop))
    failed.push({ key: 'consume', pointer: '', expected: 'once', hint: spentHint(rule) });
  return { rule: rule.label, failed };
}

function spentHint(rule: CompiledRule): string {
  const scope = rule.isPerTrace ? 'this trace' : 'this session';
  return `the rule serves one request, and has served it to ${scope} already`;
}

function explainPredicate(predicate: Predicate, hop: Hop): ExplainedPredicate {
  const { key, pointer } = predicate;
  const show = predicate.isSecret ? hiddenValue : shownValue;
  const held = holds(predicate, hop);
  const { actual, hint } = findingOf(predicate, hop, held);
  const shown = show(actual);
  return {
    key,
    pointer,
    held,
    expected: show(predicate.expected),
    ...(shown !== undefined && { actual: shown }),
    ...(hint !== undefined && { hint }),
  };
}

interface Finding {
  readonly actual: unknown;
  readonly hint: string | undefined;
}

/** What throws here has made the predicate fail, too: a JSONPath that visits too many nodes, say. */
function findingOf(predicate: Predicate, hop: Hop, held: boolean): Finding {
  try {
    return { actual: predicate.actual(hop), hint: held ? undefined : predicate.hint?.(hop) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { actual: undefined, hint: `it cannot be evaluated: ${reason}` };
  }
}
