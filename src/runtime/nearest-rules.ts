import { COST, type Hop, holds, type Predicate } from '../cases/index.ts';
import { closenessOf } from './closeness.ts';
import { explainNearMiss } from './explain-rule.ts';
import type { NearMiss } from './explanation.ts';
import type { CompiledRule } from './rule.ts';

/** Near misses that a strict miss names. */
const MAX_NEAR_MISSES = 3;

/** Rules that are looked at, the highest-ranking: some five milliseconds. Explanations look at all. */
const MAX_CONSIDERED = 10_000;

/** The nearest of them by what says which request a rule is for; the rest is then asked of these only. */
const MAX_SHORTLIST = 8;

/** Direction, service, host, method and path. */
const CHEAP = COST.path;

/**
 * The rules that came nearest to deciding a hop, and what each of them asked in vain. Costs a bounded time,
 * because it happens for each strict miss: what is dear is asked of a short list only.
 *
 * @param rules highest rank first
 */
export function nearestRules(rules: readonly CompiledRule[], hop: Hop): readonly NearMiss[] {
  const holdsCheaply = (predicate: Predicate) => predicate.cost > CHEAP || holds(predicate, hop);
  const shortlist = closest(rules.slice(0, MAX_CONSIDERED), MAX_SHORTLIST, (rule) =>
    closenessOf(rule, hop, holdsCheaply),
  );
  const holdsIndeed = (predicate: Predicate) => holds(predicate, hop);
  const found: NearMiss[] = [];
  for (const rule of closest(shortlist, MAX_SHORTLIST, (rule) => closenessOf(rule, hop, holdsIndeed))) {
    if (found.length === MAX_NEAR_MISSES) break;
    const nearMiss = explainNearMiss(rule, hop);
    if (nearMiss.failed.length > 0) found.push(nearMiss);
  }
  return found;
}

/** The `limit` rules with the highest values, the highest first; those with the same value stay in their order. */
function closest(
  rules: readonly CompiledRule[],
  limit: number,
  closeness: (rule: CompiledRule) => number,
): CompiledRule[] {
  const found: { readonly rule: CompiledRule; readonly value: number }[] = [];
  for (const rule of rules) {
    const value = closeness(rule);
    const last = found.at(-1);
    if (found.length === limit && last !== undefined && value <= last.value) continue;
    if (found.length === limit) found.pop();
    const place = found.findIndex((other) => other.value < value);
    found.splice(place === -1 ? found.length : place, 0, { rule, value });
  }
  return found.map(({ rule }) => rule);
}
