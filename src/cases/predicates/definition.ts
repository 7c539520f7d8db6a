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
  /** What the hop has in this place, as JSON; undefined where it has nothing. May throw where `matches` does. */
  actual(hop: Hop): unknown;
  /** The values are credentials, and must not be shown. */
  readonly isSecret?: boolean;
  /**
   * How near a hop is that does not match, from 0 (nothing in common) to less than 1. Only explanations ask; a
   * predicate without it is not near at all. May throw where `matches` does, and `hint` too.
   */
  nearness?(hop: Hop): number;
  /** Why a hop does not match, where expected and actual value do not tell it at a glance. */
  hint?(hop: Hop): string | undefined;
}

/** Rough cost of asking, in tens of nanoseconds. */
export const COST = { field: 1, host: 2, path: 3, headers: 5, parse: 30, pattern: 50, body: 1000 } as const;

/** How near a hop comes, where it is not a matter of degree. */
export const NEARNESS = {
  /** It has the thing asked for, with another value. */
  otherValue: 0.5,
  /** All but a detail is right, such as the port or the case of letters. */
  otherDetail: 0.9,
  /** Next to nothing is missing. */
  almost: 0.99,
} as const;

/** The string, or the strings of the list. */
export function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}
