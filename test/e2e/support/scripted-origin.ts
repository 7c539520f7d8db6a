import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { ByteSource, EndedEarly, type Ending } from './byte-source.ts';
import {
  type Body,
  field,
  type Head,
  type Request,
  readHead,
  readRequestBody,
  splitResponse,
} from './http-message.ts';
import { toBytes } from './raw-client.ts';

/** Plays the origin's part in one exchange. */
export type Script = (call: OriginCall) => Promise<void>;

/** One request that reached the origin, and the connection to answer it on. */
export class OriginCall {
  readonly head: Head;
  readonly socket: Socket;
  readonly source: ByteSource;
  #body: Promise<Body> | undefined;

  readonly #carrier: Socket;

  /** @param carrier the TCP connection below TLS, where the origin speaks it; else the socket again */
  constructor(head: Head, socket: Socket, source: ByteSource, carrier: Socket) {
    this.head = head;
    this.socket = socket;
    this.source = source;
    this.#carrier = carrier;
  }

  /** Reads the request body; the first call starts to read, so that a script may answer before it. */
  body(): Promise<Body> {
    this.#body ??= readRequestBody(this.source, this.head);
    return this.#body;
  }

  get bodyWasRead(): boolean {
    return this.#body !== undefined;
  }

  /** Resolves when the kernel has taken all of it. */
  write(bytes: Uint8Array | string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.socket.write(toBytes(bytes), (error) => (error ? reject(error) : resolve()));
    return promise;
  }

  /** Ends the connection with a FIN. */
  end(): void {
    this.socket.end();
  }

  /** Ends the connection with a reset. */
  reset(): void {
    this.#carrier.resetAndDestroy();
  }

  /** Waits until the other side ends the connection. */
  gone(): Promise<Ending> {
    return this.source.ending();
  }
}

/** Longest wait for a script to have run: a request that never comes becomes a failure. Not a measurement. */
const PATIENCE_MS = 45_000;

interface Turn {
  readonly script: Script;
  readonly done: PromiseWithResolvers<Request>;
}

/** What a client said and showed while a TLS connection was made. */
export interface Handshake {
  /** The server name that it indicated; '' for none. */
  readonly servername: string;
  /** The protocol that was agreed by ALPN; '' for none. */
  readonly alpn: string;
  /** `TLSv1.3` and the like. */
  readonly version: string;
  readonly isResumed: boolean;
  /** Common name in the certificate that it showed. */
  readonly clientName: string | undefined;
}

/**
 * An origin that speaks TCP, or TLS, and answers what it is told, byte by byte. Scripts are queued with `next`;
 * each request that arrives, on whatever connection, takes the first of the queue.
 */
export class ScriptedOrigin implements AsyncDisposable {
  /** Host and port, as a URL writes them. */
  readonly authority: string;
  /** Heads of all requests that arrived, expected or not. */
  readonly seen: Head[] = [];
  /** Connections that were accepted so far. */
  connections = 0;
  /** TLS connections that were made so far. */
  readonly handshakes: Handshake[] = [];
  /** Codes of TLS connections that could not be made, as this side saw it. */
  readonly refusals: string[] = [];
  readonly #scheme: 'http' | 'https';
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #turns: Turn[] = [];

  private constructor(server: Server, scheme: 'http' | 'https') {
    this.#server = server;
    this.#scheme = scheme;
    const { address, port } = server.address() as AddressInfo;
    this.authority = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    server.on('connection', (socket) => this.#accept(socket));
    server.on('secureConnection', (socket) => this.#secure(socket));
    server.on('tlsClientError', (error: NodeJS.ErrnoException) => {
      this.refusals.push(error.code ?? error.message);
    });
  }

  /** @param tls certificate and key, where it is to speak TLS */
  static async listen(host = '127.0.0.1', tls?: TlsOptions): Promise<ScriptedOrigin> {
    const options = { allowHalfOpen: true, noDelay: true };
    const server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...tls });
    server.listen(0, host);
    await once(server, 'listening');
    return new ScriptedOrigin(server, tls === undefined ? 'http' : 'https');
  }

  get url(): string {
    return `${this.#scheme}://${this.authority}`;
  }

  get port(): number {
    return Number(new URL(`tcp://${this.authority}`).port);
  }

  /**
   * Queues the answer to one request: a script, or the bytes of a whole response, which are sent when the
   * request body has been read.
   *
   * @returns the request as it arrived, once the script has run
   */
  next(answer: Script | Uint8Array): Promise<Request> {
    const done = Promise.withResolvers<Request>();
    const late = () => done.reject(new Error(`no request was answered by this script for ${PATIENCE_MS} ms`));
    const timer = setTimeout(late, PATIENCE_MS);
    // Whoever queued it may fail before it looks at this promise.
    done.promise.finally(() => clearTimeout(timer)).catch(() => {});
    this.#turns.push({ script: typeof answer === 'function' ? answer : replyWith(answer), done });
    return done.promise;
  }

  /** Forgets the scripts that no request came for: a test that failed must not fail the next one. */
  clear(): void {
    for (const { done } of this.#turns.splice(0)) done.reject(new Error('no request came for this script'));
  }

  /** Stops listening and resets every connection: from now on the port refuses. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.clear();
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#scheme === 'http') void this.#serve(socket, socket);
  }

  #secure(socket: TLSSocket): void {
    const { subject } = socket.getPeerCertificate();
    this.handshakes.push({
      servername: typeof socket.servername === 'string' ? socket.servername : '',
      alpn: typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : '',
      version: socket.getProtocol() ?? '',
      isResumed: socket.isSessionReused(),
      clientName: subject === undefined ? undefined : String(subject.CN),
    });
    // Only the socket that was accepted can be reset.
    const carrier = [...this.#sockets].find(({ remotePort }) => remotePort === socket.remotePort);
    void this.#serve(socket, carrier ?? socket);
  }

  /** Serves one connection. Noise instead of a request fails the test that runs: nobody here should send any. */
  async #serve(socket: Socket, carrier: Socket): Promise<void> {
    const source = new ByteSource(socket);
    try {
      while (await this.#answerOne(socket, source, carrier));
    } catch (error) {
      if (!(error instanceof EndedEarly)) throw error;
    }
    socket.end();
  }

  /** @returns whether the connection can carry another request */
  async #answerOne(socket: Socket, source: ByteSource, carrier: Socket): Promise<boolean> {
    await source.idle();
    const head = await readHead(source);
    this.seen.push(head);
    const call = new OriginCall(head, socket, source, carrier);
    const turn = this.#turns.shift();
    if (turn === undefined) {
      await call.write('HTTP/1.1 500 No script for this request\r\ncontent-length: 0\r\n\r\n');
      return false;
    }
    try {
      await turn.script(call);
      const body = call.bodyWasRead ? await call.body() : NOT_READ;
      turn.done.resolve({ ...head, ...body });
    } catch (error) {
      turn.done.reject(error);
    }
    return call.bodyWasRead && !socket.writableEnded && !socket.destroyed;
  }
}

const NOT_READ: Body = { framing: 'none', body: Buffer.alloc(0), trailers: [], ending: 'complete' };

function replyWith(response: Uint8Array): Script {
  return async (call) => {
    await call.body();
    await call.write(response);
    if (await endsTheConnection(response, call.head)) call.end();
  };
}

async function endsTheConnection(response: Uint8Array, request: Head): Promise<boolean> {
  const [method = ''] = request.startLine.split(' ', 1);
  const answer = await splitResponse(response, method);
  return answer.framing === 'until-close' || field(answer, 'connection')?.toLowerCase() === 'close';
}
