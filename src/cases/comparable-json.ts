import type { JsonPath } from './json-path.ts';
import { hasPlaceholder } from './redaction.ts';
import type { ReplaySecrets } from './secrets/replay-secrets.ts';

/** Two JSON values, ready to be compared. */
export interface ComparableJson {
  readonly expected: unknown;
  readonly actual: unknown;
  /** Is a part of them not compared? */
  readonly isPartial: boolean;
}

/** Two JSON values without what is ignored, and with what is hidden on the left hidden on the right as well. */
export function comparableJson(
  left: unknown,
  right: unknown,
  { ignorePaths, secrets }: { readonly ignorePaths: readonly JsonPath[]; readonly secrets: ReplaySecrets },
): ComparableJson {
  const hidden = hideAsRecorded(left, right, secrets);
  const ignoredLeft = placesOf(left, ignorePaths);
  const ignoredRight = placesOf(right, ignorePaths);
  return {
    expected: without(left, ignoredLeft),
    actual: without(hidden, ignoredRight),
    isPartial: hidden !== right || ignoredLeft !== undefined || ignoredRight !== undefined,
  };
}

/**
 * A JSON value without what the paths select; the same value where they select nothing, undefined where they select it.
 *
 * @throws {RangeError} when it is nested too deeply for the stack
 * @throws {JsonPathLimitError} when a path would have to visit too much of it
 */
export function withoutSelected(value: unknown, paths: readonly JsonPath[]): unknown {
  return without(value, placesOf(value, paths));
}

/** The right value, with the placeholders of the left one wherever it has something in their place. */
function hideAsRecorded(left: unknown, right: unknown, secrets: ReplaySecrets): unknown {
  if (typeof left === 'string') {
    if (!hasPlaceholder(left) || right === undefined || right === null || right === '') return right;
    if (typeof right === 'string') return secrets.reveals(left, right) ? left : right;
    // A value that was no text is hidden by a text.
    if (!WHOLE_PLACEHOLDER.test(left)) return right;
    secrets.learn(left, right);
    return left;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return changed(right, (value, index) => hideAsRecorded(left[index], value, secrets));
  }
  if (isObject(left) && isObject(right)) {
    return changed(right, (value, name) =>
      hideAsRecorded(Object.hasOwn(left, name) ? left[name] : undefined, value, secrets),
    );
  }
  return right;
}

const WHOLE_PLACEHOLDER = /^\[redacted:[0-9a-f]{12}\]$/;

/** A copy with changed children; the same value where none has changed. */
function changed(container: unknown[], change: (child: unknown, index: number) => unknown): unknown[];
function changed(
  container: Record<string, unknown>,
  change: (child: unknown, name: string) => unknown,
): Record<string, unknown>;
function changed(
  container: unknown[] | Record<string, unknown>,
  change: (child: unknown, key: never) => unknown,
): unknown {
  if (Array.isArray(container)) {
    const copy = container.map((child, index) => change(child, index as never));
    return copy.some((child, index) => child !== container[index]) ? copy : container;
  }
  const entries = Object.entries(container).map(
    ([name, child]) => [name, change(child, name as never)] as const,
  );
  // `fromEntries` defines own properties whatever their names are, `__proto__` too.
  return entries.some(([name, child]) => child !== container[name]) ? Object.fromEntries(entries) : container;
}

/** Places in a JSON value, as a tree of member names and indexes; `true` is a place itself. */
type Places = true | Map<string | number, Places>;

function placesOf(value: unknown, paths: readonly JsonPath[]): Places | undefined {
  let places: Places | undefined;
  for (const path of paths) {
    for (const { location } of path.select(value)) places = withPlace(places, location);
  }
  return places;
}

function withPlace(places: Places | undefined, location: readonly (string | number)[]): Places {
  const [key, ...rest] = location;
  if (places === true || key === undefined) return true;
  const tree = places ?? new Map<string | number, Places>();
  tree.set(key, withPlace(tree.get(key), rest));
  return tree;
}

function without(value: unknown, places: Places | undefined): unknown {
  if (places === undefined) return value;
  if (places === true) return undefined;
  if (Array.isArray(value)) {
    return value.flatMap((child, index) =>
      places.get(index) === true ? [] : [without(child, places.get(index))],
    );
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, child]) =>
      places.get(name) === true ? [] : [[name, without(child, places.get(name))]],
    ),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
