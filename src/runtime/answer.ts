import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { RuntimeError } from './errors.ts';

/** What a call of the API answers: a value, which one function puts on the wire. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream for what may be too large to hold; its length goes into `headers` where it is known. */
  readonly body: Uint8Array | Readable;
}

/** Milliseconds, and bytes, that an answer to a body which is too large waits for the client to read it. */
const LINGER_MS = 1000;
const LINGER_BYTES = 64 * 1024 * 1024;

export function jsonAnswer(value: unknown, status = 200): Answer {
  return bytesAnswer(Buffer.from(JSON.stringify(value)), 'application/json', status);
}

export function bytesAnswer(
  body: Uint8Array,
  contentType: string,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return { status, headers: { 'content-type': contentType, ...headers }, body };
}

/** The error form of CONTRACT section 3. */
export function errorAnswer({ code, message, details, status, headers }: RuntimeError): Answer {
  const answer = jsonAnswer({ error: { code, message, ...(details !== undefined && { details }) } }, status);
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/**
 * Writes an answer. Nothing that this API says may be kept by a cache: the next call can change it.
 *
 * @throws what broke the connection, or the stream of the body
 */
export async function writeAnswer(
  { status, headers, body }: Answer,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const isStream = !(body instanceof Uint8Array);
  const isTooLarge = status === 413;
  response.writeHead(status, {
    ...headers,
    ...(!isStream && status !== 204 && { 'content-length': String(body.length) }),
    'cache-control': 'no-store',
    ...(isTooLarge && { connection: 'close' }),
  });
  if (isStream) {
    if (request.method === 'HEAD') {
      body.destroy();
      response.end();
      return;
    }
    await pipeline(body, response);
    return;
  }
  if (!isTooLarge || request.complete) {
    response.end(body);
    return;
  }
  response.write(body);
  await discardRest(request);
  response.end();
}

/**
 * Reads on, and drops, what a client still sends: closing a socket with unread bytes resets it, and the
 * reset can overtake the answer (RFC 9112 section 9.6). Not for longer than is reasonable.
 */
function discardRest(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let dropped = 0;
    const timer = setTimeout(resolve, LINGER_MS);
    const stop = () => {
      clearTimeout(timer);
      resolve();
    };
    request.on('data', (chunk: Buffer) => {
      dropped += chunk.length;
      if (dropped > LINGER_BYTES) stop();
    });
    request.once('end', stop);
    request.once('close', stop);
    request.resume();
  });
}
