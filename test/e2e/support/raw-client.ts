import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
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

  /**
   * Speaks TLS on a connection to the proxy: to the proxy itself, or through a tunnel that it asks it for.
   *
   * @param url of the proxy
   * @param options.authority where the tunnel leads; undefined: no tunnel
   * @param options.lines more header lines of the CONNECT
   * @param options.servername that it asks for; '' for none
   */
  static async connectTls(
    url: string,
    {
      authority,
      lines,
      ...tls
    }: { authority?: string | undefined; lines?: readonly string[] } & ConnectionOptions,
  ): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    if (authority !== undefined) await openTunnel(socket, authority, lines);
    const secure = connectTls({ socket, ...tls });
    await once(secure, 'secureConnect');
    return new RawClient(secure);
  }

  /** Asks the proxy for a tunnel. @param lines more header lines of the CONNECT */
  static async connectThrough(
    url: string,
    authority: string,
    lines: readonly string[] = [],
  ): Promise<RawClient> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    await openTunnel(socket, authority, lines);
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

/** @throws when the proxy does not answer 200 at once */
async function openTunnel(socket: Socket, authority: string, lines: readonly string[] = []): Promise<void> {
  socket.write([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...lines, '', ''].join('\r\n'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!/^HTTP\/1\.1 200 .*\r\n\r\n$/s.test(answer.toString())) throw new Error(`no tunnel: ${answer}`);
}
