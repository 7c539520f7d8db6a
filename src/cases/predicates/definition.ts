import type { When } from '../documents.generated.ts';
import type { Hop } from '../exchange.ts';

/**
 * One thing that a rule asks of a hop. Matching and explaining use the same object, so they cannot disagree.
 */
export interface Predicate {
  /** The key of `when` that it comes from. */
  readonly key: keyof When;
  /** JSON Pointer to its part of the `when`: `/headers/x-tenant`. */
  readonly pointer: string;
  /** The value asked for, as the rule has it. */
  readonly expected: unknown;
  /** Cheap predicates are asked first; see {@link COST}. */
  readonly cost: number;
  /** Then `hop.body` must have been read before it is asked; a body that is `null` fails it. */
  readonly readsBody: boolean;
  matches(hop: Hop): boolean;
  /** What the hop has in this place, as JSON; undefined where it has nothing. */
  actual(hop: Hop): unknown;
}

/** Rough cost of asking, in tens of nanoseconds. */
export const COST = { field: 1, host: 2, path: 3, headers: 5, parse: 30, pattern: 50, body: 1000 } as const;

/** The string, or the strings of the list. */
export function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
