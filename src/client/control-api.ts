import type { SoftprobeError } from '../cases/index.ts';
import { RuntimeError, RuntimeUnreachableError, UnknownSessionError } from './errors.ts';
import type { HttpAnswer, Transport } from './transport.ts';

/** Issues of an invalid document that a message lists. */
const MAX_LISTED = 5;

export interface ControlApiOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly apiToken: string | undefined;
  readonly timeoutMs: number;
  readonly transport: Transport;
}

/** Calls the control API (CONTRACT section 3), and words what goes wrong. */
export class ControlApi {
  readonly #options: ControlApiOptions;

  constructor(options: ControlApiOptions) {
    this.#options = options;
  }

  /**
   * A call that concerns no session.
   *
   * @returns the answer as JSON; the caller knows its shape
   * @throws {RuntimeUnreachableError} {@link RuntimeError}
   */
  call<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    return this.#call(method, path, undefined, body);
  }

  /**
   * A call of a session.
   *
   * @param path what follows the session's id
   * @throws {RuntimeUnreachableError} {@link RuntimeError} {@link UnknownSessionError}
   */
  callSession<Answer>(
    method: 'GET' | 'POST',
    sessionId: string,
    path: string,
    body?: unknown,
  ): Promise<Answer> {
    return this.#call(method, path, sessionId, body);
  }

  async #call<Answer>(
    method: 'GET' | 'POST',
    path: string,
    sessionId: string | undefined,
    body: unknown,
  ): Promise<Answer> {
    const { baseUrl, transport, timeoutMs } = this.#options;
    const inSession = sessionId === undefined ? '' : `/v1/sessions/${encodeURIComponent(sessionId)}`;
    const url = `${baseUrl}${inSession}${path}`;
    // A session id gives access to the session: not in messages, which end up in the logs of a build.
    const name = `${method} ${sessionId === undefined ? '' : '/v1/sessions/{id}'}${path}`;
    const signal = AbortSignal.timeout(timeoutMs);
    let answer: HttpAnswer;
    try {
      answer = await transport({ method, url, headers: this.#headers(body), body: textOf(body), signal });
    } catch (cause) {
      throw new RuntimeUnreachableError(url, this.#describeFailure(name, signal, cause), cause);
    }
    const parsed = parse(answer.text);
    if (answer.status === 200 && parsed !== undefined) return parsed.value as Answer;
    throw failureOf(name, url, answer, parsed?.value, sessionId);
  }

  #headers(body: unknown): Record<string, string> {
    const { apiToken } = this.#options;
    return {
      accept: 'application/json',
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(apiToken !== undefined && { authorization: `Bearer ${apiToken}` }),
    };
  }

  #describeFailure(name: string, signal: AbortSignal, cause: unknown): string {
    const { baseUrl, timeoutMs } = this.#options;
    if (signal.aborted) {
      return `the runtime at ${baseUrl} did not answer ${name} within ${timeoutMs} ms: is it the control listener of a softprobe-proxy? If it is only slow, give the client a higher timeoutMs`;
    }
    return `no runtime answers at ${baseUrl} (${name}: ${reasonOf(cause)}): start one with \`npx softprobe-proxy start\`, or set SOFTPROBE_RUNTIME_URL, or the client's baseUrl, to the control listener of one that runs`;
  }
}

function textOf(body: unknown): string | undefined {
  return body === undefined ? undefined : JSON.stringify(body);
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** The innermost error says most: `fetch` only says that it failed. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error.message;
}

interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly details: unknown;
}

function failureOf(
  name: string,
  url: string,
  { status, text }: HttpAnswer,
  body: unknown,
  sessionId: string | undefined,
): SoftprobeError {
  const error = errorIn(body);
  if (error === undefined) {
    const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
    return new RuntimeError(
      `${name} answered ${status} with ${JSON.stringify(shown)}, which no softprobe-proxy says: is the base URL that of its control listener?`,
      { status, body: body ?? text, url },
    );
  }
  const { code, message } = error;
  if (code === 'unknown_session' && sessionId !== undefined) {
    return new UnknownSessionError(
      sessionId,
      'is not open in this runtime, because it never was, was closed, or was idle for too long',
    );
  }
  const words = [`${name} answered ${status} ${code}: ${message}`, ...listDetails(error), ...adviceFor(code)];
  return new RuntimeError(words.join('\n'), { status, body, url, code });
}

function errorIn(body: unknown): ErrorBody | undefined {
  const error = memberOf(body, 'error');
  const code = memberOf(error, 'code');
  const message = memberOf(error, 'message');
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  return { code, message, details: memberOf(error, 'details') };
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** What is wrong with a document, a line each. The message of the runtime has the first of them. */
function listDetails({ details }: ErrorBody): string[] {
  if (!Array.isArray(details) || details.length < 2) return [];
  const lines = details
    .slice(0, MAX_LISTED)
    .map((issue) => `  ${memberOf(issue, 'pointer') || '/'} ${memberOf(issue, 'message')}`);
  return details.length > MAX_LISTED ? [...lines, `  … and ${details.length - MAX_LISTED} more`] : lines;
}

function adviceFor(code: string): string[] {
  switch (code) {
    case 'missing_bearer_token':
    case 'invalid_bearer_token':
      return [
        'give the client the token that the runtime was started with: apiToken, or the environment variable SOFTPROBE_API_TOKEN',
      ];
    case 'payload_too_large':
      return ['take fewer hops: a case of its own for each test, or mockFromCase with a predicate'];
    default:
      return [];
  }
}
