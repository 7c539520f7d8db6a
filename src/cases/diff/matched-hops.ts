import { type HopDifference, hopDifferences, textsOf } from './hop-differences.ts';
import { type HopPair, pairHops } from './hop-pairs.ts';
import { formsOf, identifierPairs, isDistinctive, mayBeIdentifier, replaceTokens } from './identifier.ts';
import { isIdName } from './noise.ts';
import { ALL_KEYS, type PlacedHop, SURE_KEYS } from './placed-hop.ts';
import type { Renaming } from './renaming.ts';

/** Most times that hops are paired again with what was learnt: an id in a path leads to an answer with another id. */
const MAX_ROUNDS = 8;

/** Most identifiers of a capture that are kept in memory. */
const MAX_IDENTIFIERS = 1_000_000;

/**
 * Pairs the hops of two captures, and learns from those that belong together which identifiers do. What was learnt is
 * used to pair again, until that tells nothing new.
 *
 * An identifier that both captures have is no new one of each run: it is left as it is.
 *
 * @param renaming by which the left hops are read; it is told what is learnt
 */
export function matchHops(
  left: readonly PlacedHop[],
  right: readonly PlacedHop[],
  renaming: Renaming,
): HopPair<PlacedHop>[] {
  const lesson = new Lesson(left, right, renaming);
  let keys = SURE_KEYS;
  for (let round = 1; ; round++) {
    const pairs = pairHops(left, right, keys);
    const known = renaming.size;
    for (const pair of pairs) lesson.learnFrom(pair);
    if (renaming.size > known && round < MAX_ROUNDS) continue;
    if (keys === ALL_KEYS) return pairs;
    // What is only likely to be the same may tell, too, where nothing surer does.
    keys = ALL_KEYS;
  }
}

/** Is a long number an id here? In paths, and where the name of the member, field or parameter says so. */
function isPlaceOfIds(pointer: string): boolean {
  const name = pointer.split('/').findLast((token) => !/^\d*$/.test(token)) ?? '';
  return pointer === '/request/path' || isIdName(name);
}

class Lesson {
  readonly #renaming: Renaming;
  readonly #seen = new Set<string>();
  readonly #inLeft: () => ReadonlySet<string>;
  readonly #inRight: () => ReadonlySet<string>;

  constructor(left: readonly PlacedHop[], right: readonly PlacedHop[], renaming: Renaming) {
    this.#renaming = renaming;
    this.#inLeft = once(() => identifiersOf(left));
    this.#inRight = once(() => identifiersOf(right));
  }

  learnFrom({ left, right }: HopPair<PlacedHop>): void {
    if (left === undefined || right === undefined) return;
    const pair = `${left.index} ${right.index}`;
    if (this.#seen.has(pair)) return;
    this.#seen.add(pair);
    for (const difference of hopDifferences(left.exchange, right.exchange)) this.#learnAt(difference);
  }

  #learnAt({ pointer, left, right, lines, noise }: HopDifference): void {
    if (lines !== undefined || !isValue(left) || !isValue(right) || typeof left !== typeof right) return;
    // Of what is noise by its name, only ids and cookies name something that comes again elsewhere.
    const isId = noise === 'id' || noise === 'uuid';
    if (noise !== undefined && !isId && !/cookie$/.test(pointer)) return;
    const [leftText, rightText] = [String(left), String(right)];
    const pairs =
      isId && isDistinctive(leftText) && isDistinctive(rightText)
        ? [[leftText, rightText] as const]
        : identifierPairs(leftText, rightText, isPlaceOfIds(pointer));
    for (const [from, to] of pairs) {
      if (!this.#inRight().has(from) && !this.#inLeft().has(to)) this.#renaming.learn(from, to);
    }
  }
}

function isValue(value: unknown): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function identifiersOf(hops: readonly PlacedHop[]): Set<string> {
  const found = new Set<string>();
  const add = (token: string) => {
    for (const form of mayBeIdentifier(token) ? formsOf(token) : []) {
      if (found.size < MAX_IDENTIFIERS && mayBeIdentifier(form)) found.add(form);
    }
    return token;
  };
  for (const { exchange } of hops) {
    for (const text of textsOf(exchange)) replaceTokens(text, add);
  }
  return found;
}
