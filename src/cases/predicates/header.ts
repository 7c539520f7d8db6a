import type { Hop } from '../exchange.ts';
import { headerValues } from '../headers.ts';
import { pointerTo } from '../issue-list.ts';
import { compilePattern } from '../pattern.ts';
import { isSecretHeader } from '../secret-header.ts';
import { COST, listOf, NEARNESS, type Predicate } from './definition.ts';

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
    ...explainsField(lowerName),
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
    ...explainsField(lowerName),
  };
}

/** How both predicates on a field explain themselves. */
function explainsField(lowerName: string): Pick<Predicate, 'actual' | 'isSecret' | 'nearness' | 'hint'> {
  const isThere = (hop: Hop) => headerValues(hop.headers, lowerName).length > 0;
  return {
    actual: (hop) => linesOf(hop, lowerName),
    isSecret: isSecretHeader(lowerName),
    nearness: (hop) => (isThere(hop) ? NEARNESS.otherValue : 0),
    hint: (hop) =>
      isThere(hop)
        ? `the header ${lowerName} is there, with another value`
        : `the request has no header ${lowerName}`,
  };
}

function linesOf(hop: Hop, lowerName: string): unknown {
  const lines = headerValues(hop.headers, lowerName);
  return lines.length > 1 ? lines : lines[0];
}
