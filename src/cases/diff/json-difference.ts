import { diffArrays } from 'diff';
import { pointerTo } from '../issue-list.ts';
import { denoise, type NoiseKind, noiseBetween } from './noise.ts';

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

/**
 * Where two JSON values differ, member by member. An element inserted into an array does not shift the others.
 *
 * @throws {RangeError} when they are nested too deeply for the stack
 */
export function jsonDifferences(left: unknown, right: unknown): JsonDifference[] {
  const found: JsonDifference[] = [];
  compare(left, right, [], found);
  return found;
}

function compare(left: unknown, right: unknown, path: Path, found: JsonDifference[]): void {
  if (left === right) return;
  if (Array.isArray(left) && Array.isArray(right)) {
    compareArrays(left, right, path, found);
    return;
  }
  if (isObject(left) && isObject(right)) {
    compareObjects(left, right, path, found);
    return;
  }
  const name = String(path.findLast((token) => typeof token === 'string') ?? '');
  found.push({ pointer: pointerTo(...path), left, right, noise: noiseBetween(name, left, right) });
}

function compareObjects(
  left: Record<string, unknown>,
  right: Record<string, unknown>,
  path: Path,
  found: JsonDifference[],
): void {
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const memberOf = (object: Record<string, unknown>) =>
      Object.hasOwn(object, name) ? object[name] : undefined;
    compare(memberOf(left), memberOf(right), [...path, name], found);
  }
}

function compareArrays(
  left: readonly unknown[],
  right: readonly unknown[],
  path: Path,
  found: JsonDifference[],
): void {
  if (left.length === right.length) {
    for (const [index, value] of left.entries()) compare(value, right[index], [...path, index], found);
    return;
  }
  const text = (value: unknown) => denoise(JSON.stringify(value) ?? '').text;
  const changes = diffArrays(left.map(text), right.map(text), { maxEditLength: MAX_EDITS }) ?? [];
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
        found,
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
