import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { BodyTap } from './body-tap.ts';

/**
 * A request's body on its way upstream. Between the client's socket and the upstream's stands this stream
 * because a client library destroys the body that it was given when the upstream fails, and destroying an
 * IncomingMessage closes the client's connection, over which the error still has to be told.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage;
  readonly #tap: BodyTap | undefined;

  /** @param prefix bytes that were read already, because a rule looked at them */
  constructor(request: IncomingMessage, response: ServerResponse, tap: BodyTap | undefined, prefix?: Buffer) {
    super();
    this.#request = request;
    this.#tap = tap;
    if (prefix !== undefined && prefix.length > 0) {
      tap?.add(prefix);
      this.push(prefix);
    }
    request.on('data', this.#onData);
    request.on('end', this.#onEnd);
    request.on('close', this.#onClose);
    request.on('error', this.#onClose);
    request.pause();
    // An answer may come before the end of the upload; what is left of it is then for nobody.
    response.once('finish', () => this.destroy());
  }

  override _read(): void {
    this.#request.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#request.off('data', this.#onData);
    this.#request.off('end', this.#onEnd);
    this.#request.off('close', this.#onClose);
    // Nobody wants the rest, but it has to be read: the next request on the connection stands behind it.
    this.#request.resume();
    callback(error);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#tap?.add(chunk);
    if (!this.push(chunk)) this.#request.pause();
  };

  readonly #onEnd = (): void => {
    this.push(null);
  };

  /** The client went away with its body half sent: the upstream must not take that for the end. */
  readonly #onClose = (): void => {
    if (!this.#request.complete)
      this.destroy(new Error('the client went away before its request was complete'));
  };
}

/** A body that was read into memory, or its beginning where it is larger than may be held. */
export interface ReadBody {
  readonly bytes: Buffer;
  readonly complete: boolean;
}

/**
 * Reads a request's body into memory, up to a limit. Where there is more, the rest stays in the stream.
 *
 * @param limit bytes
 * @throws when the client goes away first
 */
export function readRequestBody(request: IncomingMessage, limit: number): Promise<ReadBody> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = () => {
      request.off('data', onData);
      request.off('end', onEnd);
      request.off('close', onClose);
    };
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= limit) return;
      stop();
      request.pause();
      resolve({ bytes: Buffer.concat(chunks, size), complete: false });
    };
    const onEnd = () => {
      stop();
      resolve({ bytes: Buffer.concat(chunks, size), complete: true });
    };
    const onClose = () => {
      stop();
      reject(new Error('the client went away before its request was complete'));
    };
    request.on('data', onData);
    request.on('end', onEnd);
    request.on('close', onClose);
  });
}
