import {
  compileHostSuffix,
  type Hop,
  type HostMatcher,
  InvalidDocumentError,
  IssueList,
  type Policy,
  parseAuthority,
  pointerTo,
  type ResponseSpec,
} from '../cases/index.ts';
import type { Decision, Forward, NeedBody, Respond } from './decision.ts';
import { requestFingerprint } from './fingerprint.ts';
import { isInternalHost } from './internal-host.ts';
import { InvalidResponseError, prepareResponse } from './prepared-response.ts';

/** The body must be read before the decision stands. */
export const NEED_BODY: NeedBody = { kind: 'need-body' };

const FORWARD: Forward = { kind: 'forward', rule: undefined, record: false, redaction: undefined };
const FORWARD_AND_RECORD: Forward = { ...FORWARD, record: true };

/** Status of a blocked hop unless the policy says otherwise (CONTRACT section 8). */
const STRICT_MISS_STATUS = 599;

/** Forwards what no rule decides: what happens where there is no policy. */
export function forwardMiss(recording: boolean): Forward {
  return recording ? FORWARD_AND_RECORD : FORWARD;
}

/**
 * What happens to hops that no rule decides (CONTRACT section 8): the rule of the lowest priority. Inbound
 * hops are always forwarded.
 */
export class CompiledPolicy {
  readonly #policy: Policy;
  readonly #isAllowed: HostMatcher;
  readonly #isBlocked: HostMatcher;
  readonly #mock: Respond | undefined;

  /**
   * @param policy fits its schema
   * @throws {InvalidDocumentError} for a host that is none, or a response that cannot be sent
   */
  constructor(policy: Policy) {
    const list = new IssueList();
    this.#policy = policy;
    const allowed = [
      ...compileList(policy, 'externalAllowlist', list),
      ...compileList(policy, 'allowHosts', list),
    ];
    const blocked = compileList(policy, 'blockHosts', list);
    this.#isAllowed = (hop) => allowed.some((matches) => matches(hop));
    this.#isBlocked = (hop) => blocked.some((matches) => matches(hop));
    this.#mock = compileMock(policy, list);
    checkResponse('/error', policy.error, list);
    if (list.issues.length > 0) throw new InvalidDocumentError('policy', list.issues);
  }

  /**
   * Decides a hop that no rule decided. A hop that is to be blocked needs its body first: the fingerprint
   * in the answer covers it.
   */
  decide(hop: Hop, recording: boolean): Decision {
    if (hop.direction === 'inbound') return forwardMiss(recording);
    if (this.#isBlocked(hop)) return this.#refuse(hop, recording, 'blockHosts names it');
    if (this.#isAllowed(hop)) return forwardMiss(recording);
    if (this.#mock !== undefined) return recording ? { ...this.#mock, record: true } : this.#mock;
    const reason = this.#reasonToRefuse(hop);
    return reason === undefined ? forwardMiss(recording) : this.#refuse(hop, recording, reason);
  }

  #reasonToRefuse(hop: Hop): string | undefined {
    const { externalHttp, internalHttp, defaultOnMiss } = this.#policy;
    if (defaultOnMiss === 'error') return 'defaultOnMiss is "error"';
    if (externalHttp !== 'strict' && internalHttp !== 'strict') return undefined;
    if (isInternalHost(parseAuthority(hop.host).name)) {
      return internalHttp === 'strict' ? 'internalHttp is "strict"' : undefined;
    }
    return externalHttp === 'strict' ? 'externalHttp is "strict"' : undefined;
  }

  #refuse(hop: Hop, recording: boolean, reason: string): Decision {
    if (hop.body === undefined) return NEED_BODY;
    const response = prepareResponse(this.#strictMiss(hop, reason), 'strict-miss', undefined);
    return {
      kind: 'respond',
      outcome: 'strict-miss',
      rule: undefined,
      response,
      latencyMs: 0,
      record: recording,
    };
  }

  #strictMiss(hop: Hop, reason: string): ResponseSpec {
    const { status = STRICT_MISS_STATUS, headers = {}, body } = this.#policy.error ?? {};
    const mark = { 'x-softprobe-strict-miss': '1' };
    if (body !== undefined) return { status, headers: { ...without(headers, mark), ...mark }, body };
    const fixed = { 'content-type': 'application/json', ...mark };
    return { status, headers: { ...fixed, ...without(headers, fixed) }, body: explainMiss(hop, reason) };
  }
}

function explainMiss(hop: Hop, reason: string): object {
  const { method, host, path, sessionId } = hop;
  const name = JSON.stringify(parseAuthority(host).name);
  const remedy = reason.startsWith('blockHosts')
    ? `add a rule that mocks it, or take ${name} off blockHosts`
    : `add a rule that mocks it, or let it through by a passthrough rule or by ${name} in externalAllowlist`;
  const message = `no rule matches ${method} ${hop.scheme}://${host}${path} and the session's policy refuses it (${reason}); ${remedy}`;
  return {
    error: { code: 'strict_miss', message },
    sessionId,
    requestFingerprint: requestFingerprint(hop),
    request: { method, host, path },
    nearMisses: [],
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

function compileList(
  policy: Policy,
  key: 'externalAllowlist' | 'allowHosts' | 'blockHosts',
  list: IssueList,
): HostMatcher[] {
  return (policy[key] ?? []).flatMap((entry, index) =>
    list.attempt(pointerTo(key, index), () => compileHostSuffix(entry)),
  );
}

function compileMock(policy: Policy, list: IssueList): Respond | undefined {
  const { defaultOnMiss, mockResponse } = policy;
  checkResponse('/mockResponse', mockResponse, list);
  if (defaultOnMiss !== 'mock' || list.issues.length > 0) return undefined;
  if (mockResponse === undefined) {
    list.add('', 'the key "mockResponse" is missing, which defaultOnMiss "mock" needs');
    return undefined;
  }
  return {
    kind: 'respond',
    outcome: 'mock',
    rule: undefined,
    response: prepareResponse(mockResponse, 'mock', undefined),
    latencyMs: mockResponse.latencyMs ?? 0,
    record: false,
  };
}

/** Finds out now, not at the first miss, that a response cannot be sent. */
function checkResponse(pointer: string, response: ResponseSpec | undefined, list: IssueList): void {
  if (response === undefined) return;
  try {
    prepareResponse(response, 'mock', undefined);
  } catch (error) {
    if (!(error instanceof InvalidResponseError)) throw error;
    list.addAll(pointer, error.issues);
  }
}
