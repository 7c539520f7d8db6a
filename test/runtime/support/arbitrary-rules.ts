import fc from 'fast-check';
import type { Hop, Policy, Rule, When } from '../../../src/cases/index.ts';
import { exampleHop } from '../../support/example-hop.ts';

/*
 * Random rules and hops out of few values, so that most rules match some hops, and several rules the same one.
 */

const text = fc.constantFrom('a', 'b');

const maybe = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 2, arbitrary: value });

/** Without the members that are undefined, as JSON has it. */
function asJson<T>(value: object): T {
  return JSON.parse(JSON.stringify(value));
}

const when = fc
  .record({
    direction: maybe(fc.constantFrom('inbound', 'outbound')),
    method: maybe(fc.constantFrom('GET', 'get', 'POST')),
    host: maybe(fc.constantFrom('a.com', 'A.com', 'a.com:80', 'a.com:8080', 'b.com')),
    hostSuffix: maybe(fc.constantFrom('com', 'a.com')),
    path: maybe(fc.constantFrom('/a', '/b', '/a?x=1', '/a?')),
    pathPrefix: maybe(fc.constantFrom('/', '/a')),
    headers: maybe(fc.record({ 'x-h': text })),
    bodyJsonPathEquals: maybe(fc.record({ '$.k': text })),
  })
  .map((given) => asJson<When>(given));

/** A rule without a label. */
export const arbitraryRule: fc.Arbitrary<Rule> = fc
  .record({
    when,
    priority: fc.integer({ min: -1, max: 1 }),
    consume: fc.constantFrom('once', 'many', 'many'),
    consumeScope: maybe(fc.constantFrom('session', 'trace')),
    then: fc.constantFrom<Rule['then']>({ action: 'mock', response: {} }),
  })
  .map((given) => asJson<Rule>(given));

/** A rule whose action may be any. */
export const arbitraryRuleOfAnyAction: fc.Arbitrary<Rule> = fc
  .record({
    rule: arbitraryRule,
    then: fc.constantFrom<Rule['then']>(
      { action: 'mock', response: { status: 201 } },
      { action: 'error', error: { status: 503 } },
      { action: 'passthrough' },
      { action: 'capture_only' },
      { action: 'replay' },
    ),
  })
  .map(({ rule, then }) => ({ ...rule, then }));

export const arbitraryPolicy: fc.Arbitrary<Policy | undefined> = maybe(
  fc
    .record({
      externalHttp: maybe(fc.constantFrom('strict', 'allow')),
      externalAllowlist: maybe(fc.constant(['a.com'])),
      blockHosts: maybe(fc.constant(['b.com'])),
      defaultOnMiss: maybe(fc.constantFrom('passthrough', 'error', 'mock')),
      offline: maybe(fc.boolean()),
      mockResponse: fc.constant({ status: 202 }),
    })
    .map((given) => asJson<Policy>(given)),
);

/** A hop whose body was not read yet, and the body. */
export interface UnreadHop {
  readonly hop: Hop;
  readonly body: Buffer;
}

export const arbitraryHop: fc.Arbitrary<UnreadHop> = fc
  .record({
    direction: fc.constantFrom('inbound' as const, 'outbound' as const),
    method: fc.constantFrom('GET', 'POST', 'get'),
    host: fc.constantFrom('a.com', 'A.COM:80', 'a.com:8080', 'b.com'),
    scheme: fc.constantFrom('http' as const, 'https' as const),
    path: fc.constantFrom('/a', '/b'),
    query: fc.constantFrom(undefined, '', 'x=1'),
    traceId: fc.constantFrom(undefined, '1'.repeat(32), '2'.repeat(32)),
    header: text,
    body: fc.constantFrom('{"k":"a"}', '{"k":"b"}', ''),
  })
  .map(({ header, body, ...fields }) => ({
    hop: exampleHop({ ...fields, headers: ['X-H', header] }),
    body: Buffer.from(body),
  }));

/** Labels rules, so that a decision tells which one made it. */
export function labelled(rules: readonly Rule[], prefix: string): Rule[] {
  return rules.map((rule, index) => ({ ...rule, id: `${prefix}${index}` }));
}
