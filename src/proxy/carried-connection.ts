import { Duplex } from 'node:stream';
import type { TunnelContext } from './tunnel-context.ts';

const carried = new WeakSet<Duplex>();

/** Whether a connection was taken away from the server that accepted it: what that one says of it counts no more. */
export function isCarried(socket: Duplex): boolean {
  return carried.has(socket);
}

/**
 * A connection that is handed to an HTTP server although its first bytes have been read already: it gives those
 * back first. It knows what the server cannot see.
 */
export class CarriedConnection extends Duplex {
  /** Set when the connection is the inside of a tunnel. */
  readonly tunnel: TunnelContext | undefined;
  /** What carries it. */
  readonly below: Duplex;
  #method: string | undefined;

  /** @param method of the first request, where the parser reads another in its place */
  constructor(socket: Duplex, first: Buffer, about: { tunnel?: TunnelContext | undefined; method?: string }) {
    super({ allowHalfOpen: true });
    this.tunnel = about.tunnel;
    this.#method = about.method;
    this.below = socket;
    carried.add(socket);
    // A parser that gave up must see no more of it. A new `data` listener also makes node:http release the
    // socket's handle, which its parser reads directly.
    socket.removeAllListeners('data');
    socket.removeAllListeners('end');
    socket.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) socket.pause();
    });
    let hasEnded = false;
    socket.on('end', () => {
      hasEnded = true;
      this.push(null);
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => {
      // What came before a clean end is still to be read.
      if (hasEnded && !this.readableEnded) this.once('end', () => this.destroy());
      else this.destroy();
    });
    this.push(first);
  }

  /** The real method of the first request; undefined for all others, and where the parser read it itself. */
  takeMethod(): string | undefined {
    const method = this.#method;
    this.#method = undefined;
    return method;
  }

  /** Ends it once all that was written has left. `node:http` looks for this method, which sockets have. */
  destroySoon(): void {
    if (this.writableFinished) this.destroy();
    else this.end(() => this.destroy());
  }

  override _read(): void {
    this.below.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.below.write(chunk, encoding, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.below.end(callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.below.destroy();
    callback(error);
  }
}
