import { headerValue, recordedHeaders } from '../../cases/headers.ts';
import { JsonPathLimitError } from '../../cases/json-path-evaluation.ts';
import { type InboundRequest, inboundRequests, requestToSend } from '../../cases/recorded-request.ts';
import { compareResponses, type ReplayedAnswer } from '../../cases/response-comparison.ts';
import type { ReplaySecrets } from '../../cases/secrets/replay-secrets.ts';
import { type ControlApi, objectIn, parseObject } from '../control-api.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { counted } from '../session/change.ts';
import { sendToIngress } from './request.ts';
import type { ReplayedCase, ReplayedRequest } from './result.ts';
import { type RecordedCase, ReplaySession } from './session.ts';
import type { ReplaySettings } from './settings.ts';

/** Where cases are replayed. */
export interface ReplayPlace {
  readonly api: ControlApi;
  readonly ingressUrl: string;
  /** Undefined where it is not known. */
  readonly egressUrl: string | undefined;
  /** The service, where the proxy was started for this run; undefined where it ran before. */
  readonly appUrl: string | undefined;
}

/** One case on its way through the service. */
export class CaseReplay {
  readonly #recorded: RecordedCase;
  readonly #settings: ReplaySettings;
  readonly #place: ReplayPlace;
  readonly #secrets: ReplaySecrets;
  readonly #interrupted: AbortSignal;
  readonly #note: (line: string) => void;
  /** How many requests lack each value that the recording hides. */
  readonly #missing = new Map<string, number>();

  constructor(
    recorded: RecordedCase,
    settings: ReplaySettings,
    place: ReplayPlace,
    secrets: ReplaySecrets,
    interrupted: AbortSignal,
    note: (line: string) => void,
  ) {
    this.#recorded = recorded;
    this.#settings = settings;
    this.#place = place;
    this.#secrets = secrets;
    this.#interrupted = interrupted;
    this.#note = note;
  }

  /** @param show is told how far it is */
  async run(show: (text: string) => void): Promise<ReplayedCase> {
    const { file, document } = this.#recorded;
    const { api, ingressUrl } = this.#place;
    this.#interrupted.throwIfAborted();
    const session = await ReplaySession.open(api, this.#recorded, this.#settings, this.#note);
    try {
      await session.checkIngress(ingressUrl, this.#interrupted);
      const before = await session.counts();
      const inbound = inboundRequests(document);
      const send = this.#sender(inbound.requests);
      const requests: ReplayedRequest[] = [];
      for (const [at, request] of inbound.requests.entries()) {
        show(
          `request ${at + 1} of ${inbound.requests.length}: ${request.exchange.hop.method} ${pathOf(request)}`,
        );
        requests.push(await this.#replay(request, send, session, at === 0));
      }
      const after = await session.counts();
      const isUntouched = after.answered === before.answered && after.misses === before.misses;
      const warnings = [
        ...this.#missingWarnings(),
        ...session.skipped.map(
          (hop) => `hop ${hop.index} has no answer in it: ${hop.request}: ${hop.reason}`,
        ),
        ...(isUntouched && session.ruleCount > 0 ? [this.#noCallsWarning(inbound.outboundCount)] : []),
      ];
      const misses = await session.close();
      return {
        file,
        caseId: document.caseId,
        passed: misses === 0 && requests.every(({ passed }) => passed),
        requests,
        skipped: inbound.skipped,
        warnings,
        misses,
      };
    } catch (error) {
      // Told is why it failed, and not that the session could not be closed then.
      await session.close().catch(() => {});
      throw error;
    }
  }

  #sender(requests: readonly InboundRequest[]): Send {
    const { headers, timeoutMs } = this.#settings;
    const names = new Set(
      requests.flatMap(({ exchange }) => [...recordedHeaders(exchange.hop.headers).keys()]),
    );
    names.add('host');
    const additional = [...headers].filter(([name]) => !names.has(name)).flat();
    return (request, session) => {
      const message = requestToSend(request.exchange, this.#secrets, headers);
      for (const part of message.missing) this.#missing.set(part, (this.#missing.get(part) ?? 0) + 1);
      return sendToIngress(
        this.#place.ingressUrl,
        { ...message, headers: [...message.headers, ...additional] },
        { sessionId: session.id, timeoutMs, signal: this.#interrupted },
      );
    };
  }

  async #replay(
    request: InboundRequest,
    send: Send,
    session: ReplaySession,
    isFirst: boolean,
  ): Promise<ReplayedRequest> {
    const { index, exchange } = request;
    const started = performance.now();
    const answer = await send(request, session);
    if (isFirst) refuseDeadService(answer, this.#place.appUrl);
    const durationMs = Math.round((performance.now() - started) * 100) / 100;
    const differences = this.#differences(request, answer);
    return {
      index,
      method: exchange.hop.method,
      path: pathOf(request),
      passed: differences.length === 0,
      expectedStatus: exchange.response?.status ?? null,
      actualStatus: answer.response?.status ?? null,
      durationMs,
      differences,
      missedCalls: await session.newMisses(),
    };
  }

  #differences({ exchange }: InboundRequest, answer: ReplayedAnswer) {
    const { ignorePaths, ignoreHeaders } = this.#settings;
    try {
      return compareResponses(exchange, answer, { ignorePaths, ignoreHeaders, secrets: this.#secrets });
    } catch (cause) {
      if (!(cause instanceof JsonPathLimitError)) throw cause;
      throw new CliFailure(`--ignore: ${cause.message}`, { code: 'ignore_limit', cause });
    }
  }

  #missingWarnings(): string[] {
    return Array.from(this.#missing, ([part, count]) => {
      const where = counted(count, 'request');
      return part.startsWith('the ')
        ? `${part} of ${where} has a value that the recording hides; it was sent with a placeholder`
        : `${part} is hidden in the recording and was left out of ${where}; give it by --fixtures or --header`;
    });
  }

  /** What was compared then may have come from the world. */
  #noCallsWarning(count: number): string {
    const { egressUrl } = this.#place;
    const through = egressUrl === undefined ? 'the egress of this proxy' : egressUrl;
    return `the case has ${counted(count, 'call')} of the service to others, and none came through the proxy: was the service started with HTTP_PROXY at ${through}?`;
  }
}

type Send = (request: InboundRequest, session: ReplaySession) => Promise<ReplayedAnswer>;

function pathOf({ exchange: { hop } }: InboundRequest): string {
  return hop.query === undefined ? hop.path : `${hop.path}?${hop.query}`;
}

/**
 * A service that was never there has not changed: that is told as such, and not as many answers that differ.
 *
 * @throws {CliFailure} with exit code 3
 */
function refuseDeadService({ response }: ReplayedAnswer, appUrl: string | undefined): void {
  if (response === undefined || headerValue(response.headers, 'x-softprobe-outcome') !== 'proxy-error')
    return;
  const error = objectIn(parseObject(Buffer.from(response.body.bytes).toString('utf8')) ?? {}, 'error');
  if (error?.code !== 'upstream_refused') return;
  const [what, advice] =
    appUrl === undefined
      ? [String(error.message), 'start the proxy with the --app-url at which the service listens']
      : [`nothing accepts connections at ${appUrl}`, 'give its URL by --app-url'];
  throw new CliFailure(`the service does not run: ${what}; start it, or ${advice}`, {
    exitCode: ExitCode.runtimeUnreachable,
    code: 'app_unreachable',
  });
}
