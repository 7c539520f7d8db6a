import {
  compileHostSuffix,
  type ErrorSpec,
  type Hop,
  type HostMatcher,
  InvalidDocumentError,
  IssueList,
  type Policy,
  parseAuthority,
  pointerTo,
  type ResponseSpec,
} from '../cases/index.ts';
import type { Forward, Respond } from './decision.ts';
import { isInternalHost } from './internal-host.ts';
import { InvalidResponseError, prepareResponse } from './prepared-response.ts';
import { isTunnel, type Refusal } from './strict-miss.ts';

const FORWARD: Forward = { kind: 'forward', rule: undefined, record: false, redaction: undefined };
const FORWARD_AND_RECORD: Forward = { ...FORWARD, record: true };

/** Forwards what no rule decides: what happens where there is no policy. */
export function forwardMiss(recording: boolean): Forward {
  return recording ? FORWARD_AND_RECORD : FORWARD;
}

/** What a policy says of a hop that no rule decides. */
export type Verdict =
  | { readonly kind: 'forward'; readonly reason: string }
  | { readonly kind: 'mock'; readonly recording: Respond; readonly notRecording: Respond }
  | { readonly kind: 'refuse'; readonly refusal: Refusal };

/** What policies say, made once: this is asked for each hop without a rule. */
const VERDICT = {
  inbound: forwarded('inbound hops always pass'),
  listed: forwarded('externalAllowlist or allowHosts names its host'),
  internal: forwarded('its host is internal, and internalHttp is not "strict"'),
  external: forwarded('its host is external, and externalHttp is not "strict"'),
  open: forwarded('nothing in the policy is strict'),
  blocked: refused('blockHosts names it', 'unblock'),
  offline: refused('offline is true', 'none'),
  mockInTunnel: refused('defaultOnMiss is "mock", which cannot answer inside a tunnel', 'allow'),
  errorOnMiss: refused('defaultOnMiss is "error"', 'allow'),
  strictInternal: refused('internalHttp is "strict"', 'allow'),
  strictExternal: refused('externalHttp is "strict"', 'allow'),
} satisfies Record<string, Verdict>;

function forwarded(reason: string): Verdict {
  return { kind: 'forward', reason };
}

function refused(setting: string, remedy: Refusal['remedy']): Verdict {
  return { kind: 'refuse', refusal: { setting, remedy } };
}

/**
 * What happens to hops that no rule decides (CONTRACT section 8): the rule of the lowest priority. Inbound
 * hops are always forwarded.
 */
export class CompiledPolicy {
  readonly #policy: Policy;
  readonly #isAllowed: HostMatcher;
  readonly #isBlocked: HostMatcher;
  readonly #mock: Verdict | undefined;

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

  /** What the answer to a hop that it refuses is to be. */
  get error(): ErrorSpec | undefined {
    return this.#policy.error;
  }

  /** May a rule let this hop out? Not where the session is offline. */
  letsOut(hop: Hop): boolean {
    return this.#policy.offline !== true || hop.direction === 'inbound';
  }

  /** What is to happen to a hop that no rule decides. Where it goes to another host than it names, both must pass. */
  judge(hop: Hop): Verdict {
    if (hop.direction === 'inbound') return VERDICT.inbound;
    const verdict = this.#judgeOutbound(hop);
    if (verdict.kind !== 'forward' || hop.tunnelHost === undefined) return verdict;
    return this.#judgeOutbound({ ...hop, host: hop.tunnelHost });
  }

  #judgeOutbound(hop: Hop): Verdict {
    const { offline = false, defaultOnMiss } = this.#policy;
    if (this.#isBlocked(hop)) return offline ? VERDICT.offline : VERDICT.blocked;
    if (!offline && this.#isAllowed(hop)) return VERDICT.listed;
    if (this.#mock !== undefined && !isTunnel(hop)) return this.#mock;
    if (offline) return VERDICT.offline;
    if (this.#mock !== undefined) return VERDICT.mockInTunnel;
    return defaultOnMiss === 'error' ? VERDICT.errorOnMiss : this.#judgeByHost(hop);
  }

  #judgeByHost(hop: Hop): Verdict {
    const { externalHttp, internalHttp } = this.#policy;
    if (externalHttp !== 'strict' && internalHttp !== 'strict') return VERDICT.open;
    if (isInternalHost(parseAuthority(hop.host).name)) {
      return internalHttp === 'strict' ? VERDICT.strictInternal : VERDICT.internal;
    }
    return externalHttp === 'strict' ? VERDICT.strictExternal : VERDICT.external;
  }
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

function compileMock(policy: Policy, list: IssueList): Verdict | undefined {
  const { defaultOnMiss, mockResponse } = policy;
  checkResponse('/mockResponse', mockResponse, list);
  if (defaultOnMiss !== 'mock' || list.issues.length > 0) return undefined;
  if (mockResponse === undefined) {
    list.add('', 'the key "mockResponse" is missing, which defaultOnMiss "mock" needs');
    return undefined;
  }
  const notRecording: Respond = {
    kind: 'respond',
    outcome: 'mock',
    rule: undefined,
    response: prepareResponse(mockResponse, 'mock', undefined),
    latencyMs: mockResponse.latencyMs ?? 0,
    record: false,
  };
  return { kind: 'mock', recording: { ...notRecording, record: true }, notRecording };
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
