import { diffArrays } from 'diff';

/** A hop of the left capture and its counterpart in the right one; one of them is missing for a hop of only one. */
export interface HopPair<Hop> {
  readonly left: Hop | undefined;
  readonly right: Hop | undefined;
}

/**
 * Pairs two sequences of hops. Keys are tried from the most exact to the loosest; for each, what stands in the same
 * order is paired first (a longest common subsequence, so that one inserted hop does not shift all others), then
 * what has the same key anywhere: requests that ran at the same time come in any order.
 *
 * @param keys each gives a text that two hops share if they may be the same
 * @returns in the order of the left sequence, with those of the right alone where they came
 */
export function pairHops<Hop>(
  left: readonly Hop[],
  right: readonly Hop[],
  keys: readonly ((hop: Hop) => string)[],
): HopPair<Hop>[] {
  const partners = new Map<number, number>();
  let restLeft = [...left.keys()];
  let restRight = [...right.keys()];
  for (const key of keys) {
    const keyed = (hops: readonly Hop[], places: readonly number[]) =>
      places.flatMap((place) => {
        const hop = hops[place];
        return hop === undefined ? [] : [{ place, key: key(hop) }];
      });
    const pairs = [pairInOrder, pairAnywhere];
    for (const pair of pairs) {
      for (const [from, to] of pair(keyed(left, restLeft), keyed(right, restRight))) partners.set(from, to);
      const taken = new Set(partners.values());
      restLeft = restLeft.filter((place) => !partners.has(place));
      restRight = restRight.filter((place) => !taken.has(place));
    }
    if (restLeft.length === 0 || restRight.length === 0) break;
  }
  return inOrder(left, right, partners, restRight);
}

interface Keyed {
  readonly place: number;
  readonly key: string;
}

/** Beyond so many insertions and removals the order says nothing, and looking for it takes their square. */
const MAX_EDITS = 1000;

function pairInOrder(left: readonly Keyed[], right: readonly Keyed[]): [number, number][] {
  const changes = diffArrays(
    left.map(({ key }) => key),
    right.map(({ key }) => key),
    { maxEditLength: MAX_EDITS },
  );
  const pairs: [number, number][] = [];
  let atLeft = 0;
  let atRight = 0;
  for (const { added, removed, count } of changes ?? []) {
    if (!added && !removed) {
      for (let i = 0; i < count; i++) {
        const from = left[atLeft + i];
        const to = right[atRight + i];
        if (from !== undefined && to !== undefined) pairs.push([from.place, to.place]);
      }
    }
    if (!added) atLeft += count;
    if (!removed) atRight += count;
  }
  return pairs;
}

function pairAnywhere(left: readonly Keyed[], right: readonly Keyed[]): [number, number][] {
  const places = new Map<string, number[]>();
  for (const { place, key } of right) {
    const known = places.get(key);
    if (known === undefined) places.set(key, [place]);
    else known.push(place);
  }
  for (const known of places.values()) known.reverse();
  return left.flatMap(({ place, key }): [number, number][] => {
    const partner = places.get(key)?.pop();
    return partner === undefined ? [] : [[place, partner]];
  });
}

/** Hops of the right capture alone come after the partner of the hop before them. */
function inOrder<Hop>(
  left: readonly Hop[],
  right: readonly Hop[],
  partners: ReadonlyMap<number, number>,
  onlyRight: readonly number[],
): HopPair<Hop>[] {
  const alone = new Set(onlyRight);
  /** Hops of the right capture alone, by the place before them: they come after its partner. */
  const runAfter = (place: number): HopPair<Hop>[] => {
    const run: HopPair<Hop>[] = [];
    for (let next = place + 1; alone.has(next); next++) run.push({ left: undefined, right: right[next] });
    return run;
  };
  return [
    ...runAfter(-1),
    ...left.flatMap((hop, place) => {
      const partner = partners.get(place);
      if (partner === undefined) return [{ left: hop, right: undefined }];
      return [{ left: hop, right: right[partner] }, ...runAfter(partner)];
    }),
  ];
}
