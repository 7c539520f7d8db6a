import { compileHost, compileHostSuffix } from '../host-match.ts';
import { COST, type Predicate } from './definition.ts';

/** `host`. @throws {HostSyntaxError} */
export function hostIs(expected: string): Predicate {
  return {
    key: 'host',
    pointer: '/host',
    expected,
    cost: COST.host,
    readsBody: false,
    matches: compileHost(expected),
    actual: (hop) => hop.host,
  };
}

/** `hostSuffix`, on a label boundary. @throws {HostSyntaxError} */
export function hostEndsWith(expected: string): Predicate {
  return {
    key: 'hostSuffix',
    pointer: '/hostSuffix',
    expected,
    cost: COST.host,
    readsBody: false,
    matches: compileHostSuffix(expected),
    actual: (hop) => hop.host,
  };
}

/** `notHostSuffix`: none of them may match. @throws {HostSyntaxError} */
export function hostEndsWithNone(expected: readonly string[]): Predicate {
  const forbidden = expected.map(compileHostSuffix);
  return {
    key: 'notHostSuffix',
    pointer: '/notHostSuffix',
    expected,
    cost: COST.host,
    readsBody: false,
    matches: (hop) => !forbidden.some((matches) => matches(hop)),
    actual: (hop) => hop.host,
  };
}
