import { type ErrorSpec, type Hop, parseAuthority, type ResponseSpec } from '../cases/index.ts';
import type { Respond } from './decision.ts';
import type { NearMiss } from './explanation.ts';
import { requestFingerprint } from './fingerprint.ts';
import { prepareResponse } from './prepared-response.ts';

/** Status of a blocked hop unless the policy says otherwise (CONTRACT section 8). */
const STRICT_MISS_STATUS = 599;

/** Why a policy refuses a hop. */
export interface Refusal {
  /** The setting: `externalHttp is "strict"`. */
  readonly setting: string;
  /** What else than a rule that answers would let the hop pass. */
  readonly remedy: 'unblock' | 'allow' | 'none';
}

/**
 * The answer to a hop that the policy refuses (CONTRACT section 8).
 *
 * @param message why, from {@link describeRefusal}
 * @param error what the policy wants the answer to be
 */
export function strictMiss(
  hop: Hop,
  message: string,
  error: ErrorSpec | undefined,
  nearMisses: readonly NearMiss[],
  record: boolean,
): Respond {
  const response = prepareResponse(responseFor(hop, message, error, nearMisses), 'strict-miss', undefined);
  return {
    kind: 'respond',
    outcome: 'strict-miss',
    rule: undefined,
    response,
    latencyMs: 0,
    record,
    nearMisses,
  };
}

/**
 * Says in one sentence why a hop is refused and what to do.
 *
 * @param noRule why no rule decides it: `no rule matches`
 */
export function describeRefusal(hop: Hop, { setting, remedy }: Refusal, noRule: string): string {
  const { method, scheme, host, path } = hop;
  const target = isTunnel(hop) ? host : `${scheme}://${host}${path}`;
  const name = JSON.stringify(parseAuthority(host).name);
  const others = {
    unblock: `take ${name} off blockHosts`,
    allow: `let it through by a passthrough rule or by ${name} in externalAllowlist`,
    none: undefined,
  }[remedy];
  const remedies = [isTunnel(hop) ? undefined : 'add a rule that mocks it', others].filter(
    (one) => one !== undefined,
  );
  const advice = remedies.length === 0 ? 'nothing may leave' : remedies.join(', or ');
  return `${noRule} ${method} ${target} and the session's policy refuses it (${setting}); ${advice}`;
}

/** A CONNECT request, inside which rules cannot answer. */
export function isTunnel({ method, path }: Hop): boolean {
  return method === 'CONNECT' && path === '';
}

function responseFor(
  hop: Hop,
  message: string,
  { status = STRICT_MISS_STATUS, headers = {}, body }: ErrorSpec = {},
  nearMisses: readonly NearMiss[],
): ResponseSpec {
  const mark = { 'x-softprobe-strict-miss': '1' };
  if (body !== undefined) return { status, headers: { ...without(headers, mark), ...mark }, body };
  const fixed = { 'content-type': 'application/json', ...mark };
  return {
    status,
    headers: { ...fixed, ...without(headers, fixed) },
    body: bodyFor(hop, message, nearMisses),
  };
}

function bodyFor(hop: Hop, message: string, nearMisses: readonly NearMiss[]): object {
  const { method, host, path, sessionId } = hop;
  return {
    error: { code: 'strict_miss', message },
    sessionId,
    requestFingerprint: requestFingerprint(hop),
    request: { method, host, path },
    nearMisses,
  };
}

/** The headers less those that `others` gives, whatever their case. */
function without(
  headers: NonNullable<ResponseSpec['headers']>,
  others: object,
): NonNullable<ResponseSpec['headers']> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !Object.hasOwn(others, name.toLowerCase())),
  );
}
