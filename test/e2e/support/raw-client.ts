import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ByteSource } from './byte-source.ts';
import { type Head, type Response, readHead, readResponse } from './http-message.ts';

/** A TCP connection that sends the bytes it is given and splits what comes back. Reads only when asked to. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  readonly source: ByteSource;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.source = new ByteSource(socket);
  }

  /** Connects to host and port of an `http:` URL; the rest of it does not matter. */
  static async connect(url: string): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ host, port: Number(port), allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Resolves when the kernel has taken all of it. */
  write(bytes: Uint8Array | string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.socket.write(toBytes(bytes), (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  readHead(): Promise<Head> {
    return readHead(this.source);
  }

  /** @param method of the request that it answers: a HEAD's response has no body */
  readResponse(method = 'GET'): Promise<Response> {
    return readResponse(this.source, method);
  }

  /** Ends our direction (FIN) and goes on reading. */
  halfClose(): void {
    this.socket.end();
  }

  /** Goes away for good. */
  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** A string stands for bytes in latin-1, one char a byte, everywhere in these tests. */
export function toBytes(bytes: Uint8Array | string): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
}
