import type { SessionRequest } from '../cases/index.ts';
import type { StartedSession } from './answers.ts';
import { ControlApi } from './control-api.ts';
import { SoftprobeSession } from './session.ts';
import { type FetchLike, fetchTransport, nodeTransport } from './transport.ts';

export interface SoftprobeOptions {
  /** The control listener. When left out: `SOFTPROBE_RUNTIME_URL`, else http://127.0.0.1:8080. */
  readonly baseUrl?: string;
  /** When left out: `SOFTPROBE_API_TOKEN`, else none is sent. */
  readonly apiToken?: string;
  /** For each call; 10 s when left out. */
  readonly timeoutMs?: number;
  /** Sends the calls, in the place of `node:http`. Without one, calls never go through a proxy of the environment. */
  readonly fetch?: FetchLike;
}

class SoftprobeClient {
  /** The control listener, without a slash at the end. */
  readonly baseUrl: string;
  readonly #api: ControlApi;

  /** @throws {TypeError} when the base URL is not an http(s) URL */
  constructor({ baseUrl, apiToken, timeoutMs = 10_000, fetch }: SoftprobeOptions = {}) {
    this.baseUrl = checkedBaseUrl(
      baseUrl ?? (process.env.SOFTPROBE_RUNTIME_URL || 'http://127.0.0.1:8080'),
      baseUrl === undefined ? 'SOFTPROBE_RUNTIME_URL' : 'baseUrl',
    );
    this.#api = new ControlApi({
      baseUrl: this.baseUrl,
      apiToken: (apiToken ?? process.env.SOFTPROBE_API_TOKEN) || undefined,
      timeoutMs,
      transport: fetch === undefined ? nodeTransport : fetchTransport(fetch),
    });
  }

  /**
   * Starts a session. With `await using` it is closed at the end of the block.
   *
   * @throws {TypeError} when no mode is given
   * @throws {RuntimeUnreachableError} when no runtime answers
   * @throws {RuntimeError} when it refuses: a mistake in the request, too many open sessions, a wrong token
   */
  async startSession(request: SessionRequest): Promise<SoftprobeSession> {
    checkMode(request);
    const { sessionId } = await this.#api.call<StartedSession>('POST', '/v1/sessions', request);
    return new SoftprobeSession(this.#api, sessionId, 'started');
  }

  /**
   * A session that somebody else started, by its id. Nothing is asked of the runtime yet: the first call tells
   * whether it is open. `await using` does not close it; `close()` does.
   */
  attach(sessionId: string): SoftprobeSession {
    if (sessionId === '') throw new TypeError('expected the id of a session, got an empty string');
    return new SoftprobeSession(this.#api, sessionId, 'attached');
  }
}

/** A client of the control API of a proxy (CONTRACT section 3). */
export type Softprobe = SoftprobeClient;

interface SoftprobeConstructor {
  new (options?: SoftprobeOptions): Softprobe;
  (options?: SoftprobeOptions): Softprobe;
  readonly prototype: Softprobe;
}

/** A class that may also be called without `new`. */
export const Softprobe: SoftprobeConstructor = new Proxy(SoftprobeClient, {
  apply: (target, _, args: [SoftprobeOptions?]) => new target(...args),
}) as unknown as SoftprobeConstructor;

/** Tests in plain JavaScript have no compiler that asks for it. */
function checkMode(request: unknown): void {
  if (typeof request === 'object' && request !== null && 'mode' in request) return;
  throw new TypeError(
    `startSession: expected the mode of the session, as in startSession({ mode: 'capture' }) or { mode: 'replay' }, got ${JSON.stringify(request) ?? 'nothing'}`,
  );
}

function checkedBaseUrl(text: string, source: string): string {
  const url = URL.parse(text);
  const isPlain = url !== null && url.search === '' && url.hash === '' && url.username === '';
  if (!isPlain || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      `${source}: expected a URL such as http://127.0.0.1:8080, without user name, query and fragment, got ${JSON.stringify(text)}`,
    );
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
