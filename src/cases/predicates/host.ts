import type { Hop } from '../exchange.ts';
import { compileHost, compileHostSuffix, parseAuthority, portOf } from '../host-match.ts';
import { commonShare } from '../text-likeness.ts';
import { COST, NEARNESS, type Predicate } from './definition.ts';

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
    nearness: (hop) => (isOtherPort(hop, expected) ? NEARNESS.otherDetail : likenessOfHost(hop, expected)),
    hint: (hop) =>
      isOtherPort(hop, expected)
        ? `the same host, with port ${portOf(parseAuthority(hop.host), hop.scheme)}`
        : undefined,
  };
}

/** For a hop that does not match: the name does, so that it can only be the port. */
function isOtherPort(hop: Hop, expected: string): boolean {
  return parseAuthority(hop.host).name === parseAuthority(expected).name;
}

/** Hosts that share little but a domain are no near miss: hence half. */
function likenessOfHost(hop: Hop, expected: string): number {
  return commonShare(parseAuthority(expected).name, parseAuthority(hop.host).name) / 2;
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
    nearness: (hop) => likenessOfHost(hop, expected),
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
