import type { CaseResponse, ErrorSpec, ResponseSpec, Rule, Then, When } from '../cases/index.ts';

/** Which requests (the keys of a rule's `when`; `direction` is `outbound` unless given), and how often. */
export interface OutboundMockTarget extends When {
  /** Label, shown in `x-softprobe-rule`. */
  readonly id?: string;
  readonly name?: string;
  /** The highest wins; 0 when left out. Of equal ones the mock that was set later wins. */
  readonly priority?: number;
  /** `once`: answers one request, then steps aside for the mocks before it. */
  readonly consume?: 'once' | 'many';
  readonly consumeScope?: 'session' | 'trace';
}

/** A mock with exactly one of `response`, `error` and `passthrough`. */
export type OutboundMock = OutboundMockTarget &
  (
    | {
        /** What to answer; `response` of a hop that was found in the case fits. */
        readonly response: ResponseSpec | CaseResponse;
        /** Milliseconds to wait before the first byte. */
        readonly latencyMs?: number;
        readonly error?: undefined;
        readonly passthrough?: undefined;
      }
    | {
        /** An error to answer; status 500 when left out. */
        readonly error: ErrorSpec;
        readonly response?: undefined;
        readonly passthrough?: undefined;
      }
    | {
        /** Let the requests out, though a policy is strict. */
        readonly passthrough: true;
        readonly response?: undefined;
        readonly error?: undefined;
      }
  );

/**
 * The rule of a mock. A rule, such as `ruleFromHit` makes one, is one already.
 *
 * @throws {TypeError} when it is not said what to answer, or it is said twice
 */
export function ruleOfMock(mock: OutboundMock | Rule): Rule {
  if ('when' in mock && 'then' in mock) return mock;
  const { id, name, priority, consume, consumeScope, response, error, passthrough, ...rest } = mock;
  const { latencyMs, ...when } = rest as typeof rest & { latencyMs?: number };
  const given = { response, error, passthrough: passthrough || undefined };
  return {
    ...(id !== undefined && { id }),
    ...(name !== undefined && { name }),
    ...(priority !== undefined && { priority }),
    ...(consume !== undefined && { consume }),
    ...(consumeScope !== undefined && { consumeScope }),
    when: { direction: 'outbound', ...when },
    then: thenOf(given, latencyMs),
  };
}

function thenOf(
  given: {
    readonly response: ResponseSpec | CaseResponse | undefined;
    readonly error: ErrorSpec | undefined;
    readonly passthrough: true | undefined;
  },
  latencyMs: number | undefined,
): Then {
  const { response, error } = given;
  const names = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (names.length !== 1) {
    const got = names.length === 0 ? 'none of them' : names.join(' and ');
    throw new TypeError(`a mock needs one of response, error and passthrough: true; got ${got}`);
  }
  if (latencyMs !== undefined && response === undefined) {
    throw new TypeError(`latencyMs goes with response, not with ${names[0]}`);
  }
  if (error !== undefined) return { action: 'error', error };
  if (response === undefined) return { action: 'passthrough' };
  return { action: 'mock', response: { ...response, ...(latencyMs !== undefined && { latencyMs }) } };
}
