import { Duplex } from 'node:stream';
import type { Origin } from './target.ts';

/** What the requests inside a tunnel inherit from the CONNECT that opened it. */
export interface TunnelContext {
  /** Where the tunnel leads: where its requests go, whatever Host they name. */
  readonly origin: Origin;
  /** The client sends proxy credentials with CONNECT only; they hold for all that is inside. */
  readonly proxyAuthorization: string | undefined;
}

/**
 * A connection that is handed to an HTTP server although its first bytes have been read already: it gives those
 * back first. It knows what the server cannot see.
 */
export class CarriedConnection extends Duplex {
  /** Set when the connection is the inside of a tunnel. */
  readonly tunnel: TunnelContext | undefined;
  readonly #socket: Duplex;
  #method: string | undefined;

  /** @param method of the first request, where the parser reads another in its place */
  constructor(socket: Duplex, first: Buffer, about: { tunnel?: TunnelContext | undefined; method?: string }) {
    super({ allowHalfOpen: true });
    this.tunnel = about.tunnel;
    this.#method = about.method;
    this.#socket = socket;
    // A parser that gave up must see no more of it. A new `data` listener also makes node:http release the
    // socket's handle, which its parser reads directly.
    socket.removeAllListeners('data');
    socket.removeAllListeners('end');
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
    this.push(first);
  }

  /** The real method of the first request; undefined for all others, and where the parser read it itself. */
  takeMethod(): string | undefined {
    const method = this.#method;
    this.#method = undefined;
    return method;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.end(callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#socket.destroy();
    callback(error);
  }
}
