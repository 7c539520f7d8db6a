import type { Hop } from '../exchange.ts';
import { headerValues } from '../headers.ts';
import { pointerTo } from '../issue-list.ts';
import { compilePattern } from '../pattern.ts';
import { COST, listOf, type Predicate } from './definition.ts';

/**
 * One entry of `headers`: each of the values is exactly that of one of the field's lines. An empty list asks
 * for the field to be there.
 */
export function headerIs(name: string, expected: string | readonly string[]): Predicate {
  const lowerName = name.toLowerCase();
  const values = listOf(expected);
  return {
    key: 'headers',
    pointer: pointerTo('headers', name),
    expected,
    cost: COST.headers,
    readsBody: false,
    matches(hop) {
      const lines = headerValues(hop.headers, lowerName);
      return lines.length > 0 && values.every((value) => lines.includes(value));
    },
    actual: (hop) => linesOf(hop, lowerName),
  };
}

/** One entry of `headerMatch`: the expression matches somewhere in one of the field's lines. @throws {PatternError} */
export function headerLooksLike(name: string, expected: string): Predicate {
  const lowerName = name.toLowerCase();
  const pattern = compilePattern(expected);
  return {
    key: 'headerMatch',
    pointer: pointerTo('headerMatch', name),
    expected,
    cost: COST.pattern,
    readsBody: false,
    matches: (hop) => headerValues(hop.headers, lowerName).some((line) => pattern.test(line)),
    actual: (hop) => linesOf(hop, lowerName),
  };
}

function linesOf(hop: Hop, lowerName: string): unknown {
  const lines = headerValues(hop.headers, lowerName);
  return lines.length > 1 ? lines : lines[0];
}
