import { randomUUID } from 'node:crypto';
import { type CaseDocument, type Rule, rulesFromCase, type SkippedHop } from '../../cases/index.ts';
import type { RequestToSend } from '../../cases/recorded-request.ts';
import { type ControlApi, numberIn, objectIn, objectsIn, sessionPath, textIn } from '../control-api.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { type RunMiss, readMiss } from '../run/session.ts';
import { noteWarnings } from '../session/change.ts';
import { sendToIngress } from './request.ts';
import type { ReplaySettings } from './settings.ts';

/** A case file that was read. */
export interface RecordedCase {
  readonly file: string;
  readonly document: CaseDocument;
}

/** What a session has counted of the service's calls. */
export interface CallCounts {
  /** Calls that a rule answered. */
  readonly answered: number;
  /** Calls that were refused. */
  readonly misses: number;
}

/** The session in which a case is replayed: its recorded calls are answered as they were, all others refused. */
export class ReplaySession {
  readonly id: string;
  /** Calls of the case that no rule stands for. */
  readonly skipped: readonly SkippedHop[];
  /** How many calls of the case there are rules for. */
  readonly ruleCount: number;
  readonly #api: ControlApi;
  readonly #probe: string;
  #missesSeen = 0;

  private constructor(
    api: ControlApi,
    id: string,
    probe: string,
    { skipped, ruleCount }: { skipped: readonly SkippedHop[]; ruleCount: number },
  ) {
    this.#api = api;
    this.id = id;
    this.#probe = probe;
    this.skipped = skipped;
    this.ruleCount = ruleCount;
  }

  /**
   * Opens it. Where that fails half-way, it is closed again.
   *
   * @param note is told what of the case cannot be used
   * @throws {CliFailure} with exit code 5 where the runtime refuses the case
   */
  static async open(
    api: ControlApi,
    { file, document }: RecordedCase,
    { unknownBody }: Pick<ReplaySettings, 'unknownBody'>,
    note: (line: string) => void,
  ): Promise<ReplaySession> {
    const created = await api.post('/v1/sessions', {
      mode: 'replay',
      // Nothing leaves, whatever a rule says: the answers are those of the case, or none.
      policy: { offline: true },
    });
    const id = textIn(created, 'sessionId');
    try {
      await loadCase(api, id, file, document, note);
      const { rules, skipped } = rulesFromCase(document, unknownBody && { unknownBody });
      const probe = `/softprobe-replay/${randomUUID()}`;
      // Rules that somebody wrote into the case come last: the later one wins.
      const all = [...rules, ...(document.rules ?? []), probeRule(probe)];
      const changed = await api.post(sessionPath(id, 'rules'), { version: 1, rules: all });
      noteWarnings(changed, note);
      return new ReplaySession(api, id, probe, { skipped, ruleCount: rules.length });
    } catch (cause) {
      await api.post(sessionPath(id, 'close'), {}).catch(() => {});
      if (!(cause instanceof CliFailure)) throw cause;
      const { code, exitCode, details } = cause;
      throw new CliFailure(`--case: ${file}: ${cause.message}`, { code, exitCode, details, cause });
    }
  }

  /**
   * Asks the ingress for what only a rule of this session can answer: before a recorded request goes anywhere, it is
   * known that this proxy takes it, and that it belongs to this session. The service is not called.
   *
   * @throws {CliFailure} with exit code 3
   */
  async checkIngress(ingressUrl: string, signal: AbortSignal): Promise<void> {
    const { response, failure } = await sendToIngress(ingressUrl, probeRequest(this.#probe), {
      sessionId: this.id,
      timeoutMs: PROBE_PATIENCE_MS,
      signal,
    });
    if (failure !== undefined) {
      throw ingressFailure(`nothing answers at the ingress ${ingressUrl} (${failure.type})`);
    }
    const answer = Buffer.from(response?.body.bytes ?? []).toString('utf8');
    if (answer === this.#probe) return;
    throw ingressFailure(
      `${ingressUrl} answers ${response?.status}, but not as a rule of the session at ${this.#api.url} says; it is no ingress of that proxy`,
    );
  }

  async counts(): Promise<CallCounts> {
    const stats = objectIn(await this.#api.get(sessionPath(this.id, 'stats')), 'stats') ?? {};
    return { answered: numberIn(stats, 'injectedSpans'), misses: numberIn(stats, 'strictMisses') };
  }

  /** Calls that were refused since the last time; of very many the newest. Oldest first. */
  async newMisses(): Promise<readonly RunMiss[]> {
    const { misses } = await this.counts();
    const count = misses - this.#missesSeen;
    if (count === 0) return [];
    this.#missesSeen = misses;
    const told = objectsIn(await this.#api.get(sessionPath(this.id, 'misses')), 'misses');
    return told.slice(0, count).map(readMiss).toReversed();
  }

  /** @returns how many calls were refused */
  async close(): Promise<number> {
    const closed = await this.#api.post(sessionPath(this.id, 'close'), {});
    return numberIn(objectIn(closed, 'stats') ?? {}, 'strictMisses');
  }
}

/** A case that is too large for one call is replayed all the same: its rules are what counts. */
async function loadCase(
  api: ControlApi,
  id: string,
  file: string,
  document: CaseDocument,
  note: (line: string) => void,
): Promise<void> {
  try {
    await api.post(sessionPath(id, 'load-case'), document);
  } catch (error) {
    if (!(error instanceof CliFailure) || error.code !== 'payload_too_large') throw error;
    note(`${file} is too large to be loaded; its rules are set all the same`);
  }
}

const PROBE_PATIENCE_MS = 10_000;

function probeRule(path: string): Rule {
  return {
    name: 'replay run',
    // The highest that there is.
    priority: 1_000_000,
    when: { direction: 'inbound', path },
    then: { action: 'mock', response: { status: 200, body: path } },
  };
}

function probeRequest(path: string): RequestToSend {
  const empty = { headers: [], body: Buffer.alloc(0), trailers: [], missing: [] };
  return { method: 'GET', target: path, host: undefined, ...empty };
}

function ingressFailure(what: string): CliFailure {
  return new CliFailure(
    `${what}: say where it is by --ingress-url or SOFTPROBE_INGRESS_URL (the proxy prints it when it starts)`,
    { exitCode: ExitCode.runtimeUnreachable, code: 'ingress_unreachable' },
  );
}
