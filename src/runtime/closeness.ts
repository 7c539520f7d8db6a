import type { Hop, Predicate, When } from '../cases/index.ts';
import type { CompiledRule } from './rule.ts';

/**
 * What a predicate says about which request a rule is for. Host and path name it; a header, say, tells variants
 * apart, so that a rule which only misses that is nearer than one for another path.
 */
const WEIGHTS: { readonly [Key in keyof Required<When>]: number } = {
  direction: 3,
  service: 2,
  host: 4,
  hostSuffix: 3,
  notHostSuffix: 1,
  method: 2,
  path: 4,
  pathPrefix: 3,
  pathPattern: 4,
  query: 1,
  headers: 1,
  headerMatch: 1,
  bodyJsonPath: 1,
  bodyJsonPathEquals: 1,
  traceTags: 1,
  traceTagEquals: 1,
};

/**
 * How much of what a rule asks for a hop has, from 0 to 1, by weight; 1 where every predicate holds. One that
 * fails counts in part, as near as it is.
 *
 * @param isHeld tells of each predicate, and its index, whether it holds
 */
export function closenessOf(
  { when }: CompiledRule,
  hop: Hop,
  isHeld: (predicate: Predicate, index: number) => boolean,
): number {
  let asked = 0;
  let found = 0;
  for (const [index, predicate] of when.predicates.entries()) {
    const weight = WEIGHTS[predicate.key];
    asked += weight;
    found += isHeld(predicate, index) ? weight : weight * nearnessOf(predicate, hop);
  }
  return asked === 0 ? 1 : found / asked;
}

/** A predicate that cannot be evaluated is not near. */
function nearnessOf(predicate: Predicate, hop: Hop): number {
  try {
    return predicate.nearness?.(hop) ?? 0;
  } catch {
    return 0;
  }
}
