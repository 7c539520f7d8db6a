import { Agent, type IncomingMessage, request as requestPlain } from 'node:http';
import { request as requestSecure, Agent as SecureAgent } from 'node:https';
import type { Invocation } from './command.ts';
import { ExitCode } from './exit-code.ts';
import { CliFailure, type FailureDetail } from './failure.ts';

/** What a call answered: a JSON object. Its fields are outside data, see {@link textIn} and {@link numberIn}. */
export type ApiAnswer = Readonly<Record<string, unknown>>;

/** Longest silence of the runtime within a call, in milliseconds. A close may write hundreds of megabytes. */
const SILENCE_MS = 60_000;
/** Longest answer that is read into memory, in bytes. */
const MAX_ANSWER = 64 * 1024 * 1024;

/**
 * The control API of a runtime (a running proxy), as the commands use it. Every failure is a {@link CliFailure} with
 * the exit code that belongs to it. Proxies that the shell's environment names are not used.
 */
export class ControlApi {
  readonly url: string;
  readonly #token: string | undefined;
  readonly #silenceMs: number;

  /** @param silenceMs how long the runtime may be silent within a call */
  constructor(url: string, token: string | undefined, silenceMs: number = SILENCE_MS) {
    this.url = url;
    this.#silenceMs = silenceMs;
    this.#token = token === '' ? undefined : token;
  }

  /** The runtime that a command line is about, with the token of SOFTPROBE_API_TOKEN. */
  static of({ runtimeUrl, environment }: Invocation, silenceMs?: number): ControlApi {
    return new ControlApi(runtimeUrl, environment.SOFTPROBE_API_TOKEN, silenceMs);
  }

  /** @throws {CliFailure} */
  async get(path: string): Promise<ApiAnswer> {
    return this.#read(await this.open(path));
  }

  /** @throws {CliFailure} */
  async post(path: string, body: unknown): Promise<ApiAnswer> {
    return this.postText(path, JSON.stringify(body));
  }

  /**
   * The same with a body that is JSON text already.
   *
   * @throws {CliFailure}
   */
  async postText(path: string, text: string | Uint8Array): Promise<ApiAnswer> {
    return this.#read(await this.#send('POST', path, text));
  }

  /**
   * Asks for something that may be too large for the memory.
   *
   * @returns the answer, with status 200, before its body has been read
   * @throws {CliFailure}
   */
  open(path: string): Promise<IncomingMessage> {
    return this.#send('GET', path);
  }

  async #send(method: 'GET' | 'POST', path: string, body?: string | Uint8Array): Promise<IncomingMessage> {
    const isSecure = this.url.startsWith('https:');
    const payload = body === undefined ? undefined : Buffer.from(body);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (this.#token !== undefined) headers.authorization = `Bearer ${this.#token}`;
    if (payload !== undefined) {
      headers['content-type'] = 'application/json';
      headers['content-length'] = String(payload.length);
    }
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    // An agent of its own: with NODE_USE_ENV_PROXY the global one goes through HTTP_PROXY, which may be the very
    // proxy that this call is about.
    const request = isSecure
      ? requestSecure(this.url + path, { method, headers, agent: new SecureAgent() }, resolve)
      : requestPlain(this.url + path, { method, headers, agent: new Agent() }, resolve);
    request.setTimeout(this.#silenceMs, () => request.destroy(new SilentError(this.#silenceMs)));
    request.on('error', reject);
    request.end(payload);
    const response = await promise.catch((cause: unknown) => {
      throw this.#unreachable(cause);
    });
    if (response.statusCode === 200) return response;
    throw await this.#refusal(response);
  }

  async #read(response: IncomingMessage): Promise<ApiAnswer> {
    const answer = parseObject(await this.#textOf(response));
    if (answer === undefined) throw this.#stranger(response);
    return answer;
  }

  async #textOf(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    let size = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MAX_ANSWER) throw this.#stranger(response);
        chunks.push(chunk);
      }
    } catch (cause) {
      throw cause instanceof CliFailure ? cause : this.#unreachable(cause);
    }
    return Buffer.concat(chunks, size).toString('utf8');
  }

  async #refusal(response: IncomingMessage): Promise<CliFailure> {
    const error = objectIn(parseObject(await this.#textOf(response)) ?? {}, 'error');
    const code = error?.code;
    const message = error?.message;
    if (typeof code !== 'string' || typeof message !== 'string') return this.#stranger(response);
    switch (response.statusCode) {
      case 400: {
        const details = detailsIn(error ?? {});
        return new CliFailure(message, { code, details, exitCode: ExitCode.invalidDocument });
      }
      case 401:
      case 403:
        return new CliFailure(
          `${message}; set SOFTPROBE_API_TOKEN to the token that the proxy at ${this.url} was started with`,
          { code },
        );
      case 404:
        if (code !== 'unknown_session') break;
        return new CliFailure(`${message}; \`softprobe-proxy session list\` shows those that are open`, {
          code,
          exitCode: ExitCode.unknownSession,
        });
    }
    return new CliFailure(message, { code });
  }

  #unreachable(cause: unknown): CliFailure {
    const { code, message } = cause as NodeJS.ErrnoException;
    const why = code ?? (message || String(cause));
    return new CliFailure(
      `nothing answers at ${this.url} (${why}): start the proxy with \`softprobe-proxy start\`, or say where it is with --runtime-url or SOFTPROBE_RUNTIME_URL`,
      { exitCode: ExitCode.runtimeUnreachable, code: 'runtime_unreachable', cause },
    );
  }

  /** Somebody answers, and not as the control API does. */
  #stranger({ statusCode, headers }: IncomingMessage): CliFailure {
    const type = headers['content-type'] ?? 'no content type';
    return new CliFailure(
      `what answers at ${this.url} is no control API (status ${statusCode}, ${type}): check --runtime-url or SOFTPROBE_RUNTIME_URL; it is the control port that is meant`,
      { exitCode: ExitCode.runtimeUnreachable, code: 'not_a_runtime' },
    );
  }
}

class SilentError extends Error {
  override readonly name = 'SilentError';

  constructor(silenceMs: number) {
    super(`no answer within ${silenceMs / 1000} s`);
  }
}

/** The path of a session's call. Ids are opaque: any character may be in one. */
export function sessionPath(sessionId: string, call: string): string {
  return `/v1/sessions/${encodeURIComponent(sessionId)}/${call}`;
}

/** @throws {CliFailure} where the runtime's answer has no such text */
export function textIn(answer: ApiAnswer, name: string): string {
  const value = answer[name];
  if (typeof value !== 'string') throw wrongAnswer(name, 'a text');
  return value;
}

/** @throws {CliFailure} where the runtime's answer has no such number */
export function numberIn(answer: ApiAnswer, name: string): number {
  const value = answer[name];
  if (typeof value !== 'number') throw wrongAnswer(name, 'a number');
  return value;
}

/** An object in an answer; undefined where there is none. */
export function objectIn(answer: ApiAnswer, name: string): ApiAnswer | undefined {
  return asObject(answer[name]);
}

/** The objects of a list in an answer; what is none is left out. */
export function objectsIn(answer: ApiAnswer, name: string): ApiAnswer[] {
  const value = answer[name];
  if (!Array.isArray(value)) return [];
  return value.map(asObject).filter((element) => element !== undefined);
}

/** The texts of a list in an answer; what is none is left out. */
export function textsIn(answer: ApiAnswer, name: string): string[] {
  const value = answer[name];
  return Array.isArray(value) ? value.filter((element) => typeof element === 'string') : [];
}

function wrongAnswer(name: string, expected: string): CliFailure {
  return new CliFailure(
    `the runtime's answer has no ${name} that is ${expected}: is it of another version? \`softprobe-proxy doctor\` tells`,
    { code: 'unexpected_answer' },
  );
}

function detailsIn(error: ApiAnswer): FailureDetail[] {
  return objectsIn(error, 'details').flatMap(({ pointer, message }) =>
    typeof pointer === 'string' && typeof message === 'string' ? [{ pointer, message }] : [],
  );
}

export function parseObject(text: string): ApiAnswer | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function asObject(value: unknown): ApiAnswer | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as ApiAnswer)
    : undefined;
}
