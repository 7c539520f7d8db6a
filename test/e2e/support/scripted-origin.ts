import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
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

  constructor(head: Head, socket: Socket, source: ByteSource) {
    this.head = head;
    this.socket = socket;
    this.source = source;
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
    this.socket.resetAndDestroy();
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

/**
 * An origin that speaks TCP and answers what it is told, byte by byte. Scripts are queued with `next`; each
 * request that arrives, on whatever connection, takes the first of the queue.
 */
export class ScriptedOrigin implements AsyncDisposable {
  /** Host and port, as a URL writes them. */
  readonly authority: string;
  /** Heads of all requests that arrived, expected or not. */
  readonly seen: Head[] = [];
  /** Connections that were accepted so far. */
  connections = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #turns: Turn[] = [];

  private constructor(server: Server) {
    this.#server = server;
    const { address, port } = server.address() as AddressInfo;
    this.authority = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async listen(host = '127.0.0.1'): Promise<ScriptedOrigin> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, host);
    await once(server, 'listening');
    return new ScriptedOrigin(server);
  }

  get url(): string {
    return `http://${this.authority}`;
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

  /** Serves one connection. Noise instead of a request fails the test that runs: nobody here should send any. */
  async #serve(socket: Socket): Promise<void> {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    const source = new ByteSource(socket);
    try {
      while (await this.#answerOne(socket, source));
    } catch (error) {
      if (!(error instanceof EndedEarly)) throw error;
    }
    socket.end();
  }

  /** @returns whether the connection can carry another request */
  async #answerOne(socket: Socket, source: ByteSource): Promise<boolean> {
    await source.idle();
    const head = await readHead(source);
    this.seen.push(head);
    const call = new OriginCall(head, socket, source);
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
