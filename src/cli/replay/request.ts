import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { request as requestSecure, Agent as SecureAgent } from 'node:https';
import type { RawHeaders } from '../../cases/index.ts';
import type { RequestToSend } from '../../cases/recorded-request.ts';
import type { ReplayedAnswer } from '../../cases/response-comparison.ts';

/** Longest body of an answer that is read, in bytes. */
const MAX_BODY = 64 * 1024 * 1024;

export interface SendOptions {
  readonly sessionId: string;
  readonly timeoutMs: number;
  /** Breaks it off. */
  readonly signal: AbortSignal;
}

/**
 * Sends a request to the ingress listener and reads its answer. Redirections are not followed, and proxies that the
 * shell's environment names are not used. What goes wrong is part of the answer.
 *
 * @throws what the signal was aborted with
 */
export async function sendToIngress(
  ingressUrl: string,
  message: RequestToSend,
  { sessionId, timeoutMs, signal }: SendOptions,
): Promise<ReplayedAnswer> {
  signal.throwIfAborted();
  const limit = AbortSignal.timeout(timeoutMs);
  let response: IncomingMessage | undefined;
  const body = new BodyReader();
  try {
    response = await answerTo(ingressUrl, message, sessionId, AbortSignal.any([signal, limit]));
    await body.read(response);
    return { response: recorded(response, body), failure: undefined };
  } catch (error) {
    signal.throwIfAborted();
    const failure = limit.aborted
      ? { type: 'timeout', message: `no answer within ${timeoutMs} ms` }
      : { type: typeOf(error), message: error instanceof Error ? error.message : String(error) };
    return { response: response && recorded(response, body), failure };
  }
}

function answerTo(
  ingressUrl: string,
  { method, target, host, headers, body, trailers }: RequestToSend,
  sessionId: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(ingressUrl);
  const isSecure = url.protocol === 'https:';
  const options: RequestOptions = {
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (isSecure ? 443 : 80),
    method,
    path: target,
    // A list is sent as it stands: names and values in turn.
    headers: ['host', host ?? url.host, ...headers, 'x-softprobe-session-id', sessionId],
    agent: isSecure ? new SecureAgent() : new Agent(),
    signal,
  };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = isSecure ? requestSecure(options) : request(options);
  sent.on('error', reject);
  sent.on('response', resolve);
  sent.on('upgrade', (_, socket) => {
    socket.destroy();
    reject(new Error('the answer was an upgrade to another protocol'));
  });
  if (trailers.length > 0) sent.addTrailers(pairsOf(trailers));
  sent.end(body);
  return promise;
}

function pairsOf(fields: RawHeaders): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) pairs.push([fields[at] ?? '', fields[at + 1] ?? '']);
  return pairs;
}

class BodyReader {
  readonly chunks: Buffer[] = [];
  size = 0;

  async read(response: IncomingMessage): Promise<void> {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      this.size += chunk.length;
      if (this.size > MAX_BODY) throw new TooLargeError();
      this.chunks.push(chunk);
    }
  }
}

class TooLargeError extends Error {
  override readonly name = 'TooLargeError';

  constructor() {
    super(`the body is larger than ${MAX_BODY} bytes, the most that is compared`);
  }
}

function recorded(response: IncomingMessage, body: BodyReader): NonNullable<ReplayedAnswer['response']> {
  const { statusCode = 0, statusMessage = '', httpVersion, rawHeaders, rawTrailers } = response;
  return {
    status: statusCode,
    reason: statusMessage,
    httpVersion,
    headers: rawHeaders,
    trailers: rawTrailers,
    body: { bytes: Buffer.concat(body.chunks), size: body.size, truncated: false },
  };
}

/** `error.type` as recordings have it. */
function typeOf(error: unknown): string {
  if (error instanceof TooLargeError) return 'too-large';
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== undefined) return code;
  return message === 'aborted' ? 'aborted' : 'error';
}
