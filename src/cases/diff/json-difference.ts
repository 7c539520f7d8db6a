import { diffArrays } from 'diff';
import { pointerTo } from '../issue-list.ts';
import { asItIs, denoise, type NoiseKind, noiseBetween, type Reading } from './noise.ts';

/** A place where two JSON values differ. A value that is not there is undefined, which no JSON value is. */
export interface JsonDifference {
  /** JSON Pointer, in the right value where both have the place. */
  readonly pointer: string;
  readonly left: unknown;
  readonly right: unknown;
  /** Why it means nothing, if so. */
  readonly noise: NoiseKind | undefined;
}

/** Arrays that differ by more elements than this are compared element by element. */
const MAX_EDITS = 1000;

type Path = readonly (string | number)[];

interface Comparison {
  readonly found: JsonDifference[];
  readonly read: Reading;
}

/**
 * Where two JSON values differ, member by member. An element inserted into an array does not shift the others.
 *
 * @param read gives a left text as the right capture would have it
 * @throws {RangeError} when they are nested too deeply for the stack
 */
export function jsonDifferences(left: unknown, right: unknown, read: Reading = asItIs): JsonDifference[] {
  const found: JsonDifference[] = [];
  compare(left, right, [], { found, read });
  return found;
}

function compare(left: unknown, right: unknown, path: Path, comparison: Comparison): void {
  if (left === right) return;
  if (Array.isArray(left) && Array.isArray(right)) {
    compareArrays(left, right, path, comparison);
    return;
  }
  if (isObject(left) && isObject(right)) {
    compareObjects(left, right, path, comparison);
    return;
  }
  const name = String(path.findLast((token) => typeof token === 'string') ?? '');
  const { found, read } = comparison;
  found.push({ pointer: pointerTo(...path), left, right, noise: noiseBetween(name, left, right, read) });
}

function compareObjects(
  left: Record<string, unknown>,
  right: Record<string, unknown>,
  path: Path,
  comparison: Comparison,
): void {
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const memberOf = (object: Record<string, unknown>) =>
      Object.hasOwn(object, name) ? object[name] : undefined;
    compare(memberOf(left), memberOf(right), [...path, name], comparison);
  }
}

function compareArrays(
  left: readonly unknown[],
  right: readonly unknown[],
  path: Path,
  comparison: Comparison,
): void {
  if (left.length === right.length) {
    for (const [index, value] of left.entries()) compare(value, right[index], [...path, index], comparison);
    return;
  }
  const text = (value: unknown, read: Reading) => denoise(read(JSON.stringify(value) ?? '')).text;
  const changes =
    diffArrays(
      left.map((value) => text(value, comparison.read)),
      right.map((value) => text(value, asItIs)),
      { maxEditLength: MAX_EDITS },
    ) ?? [];
  const runs = runsOf(changes, left.length, right.length);
  let atLeft = 0;
  let atRight = 0;
  for (const { fromLeft, fromRight } of runs) {
    for (let i = 0; i < Math.max(fromLeft, fromRight); i++) {
      const index = i < fromRight ? atRight + i : atLeft + i;
      const place = [...path, index];
      compare(
        i < fromLeft ? left[atLeft + i] : undefined,
        i < fromRight ? right[atRight + i] : undefined,
        place,
        comparison,
      );
    }
    atLeft += fromLeft;
    atRight += fromRight;
  }
}

interface Run {
  readonly fromLeft: number;
  readonly fromRight: number;
}

/** Equal stretches, and what was removed together with what was added in its place. */
function runsOf(
  changes: readonly { added: boolean; removed: boolean; count: number }[],
  leftLength: number,
  rightLength: number,
): Run[] {
  if (changes.length === 0) return [{ fromLeft: leftLength, fromRight: rightLength }];
  const runs: Run[] = [];
  for (const { added, removed, count } of changes) {
    if (!added && !removed) {
      runs.push({ fromLeft: count, fromRight: count });
      continue;
    }
    const last = runs.at(-1);
    if (added && last !== undefined && last.fromRight === 0) {
      runs[runs.length - 1] = { fromLeft: last.fromLeft, fromRight: count };
    } else {
      runs.push({ fromLeft: removed ? count : 0, fromRight: added ? count : 0 });
    }
  }
  return runs;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
