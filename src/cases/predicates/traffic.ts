import type { Direction } from '../exchange.ts';
import { foldMethod } from '../method.ts';
import { COST, type Predicate } from './definition.ts';

/** `direction`: which way the hop goes. */
export function directionIs(expected: Direction): Predicate {
  return {
    key: 'direction',
    pointer: '/direction',
    expected,
    cost: COST.field,
    readsBody: false,
    matches: (hop) => hop.direction === expected,
    actual: (hop) => hop.direction,
  };
}

/** `service`: `sp.service.name` of the hop. */
export function serviceIs(expected: string): Predicate {
  return {
    key: 'service',
    pointer: '/service',
    expected,
    cost: COST.field,
    readsBody: false,
    matches: (hop) => hop.service === expected,
    actual: (hop) => hop.service,
  };
}

/** `method`: case-insensitive, though methods are not (RFC 9110 section 9.1): rules come from people. */
export function methodIs(expected: string): Predicate {
  const method = foldMethod(expected);
  return {
    key: 'method',
    pointer: '/method',
    expected,
    cost: COST.field,
    readsBody: false,
    matches: (hop) => foldMethod(hop.method) === method,
    actual: (hop) => hop.method,
  };
}
