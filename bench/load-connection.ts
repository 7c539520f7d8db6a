import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import type { Target } from './load.ts';

export interface Answer {
  readonly status: number;
  /** Status line and fields. */
  readonly head: string;
  readonly body: string;
}

/** `content-length` is all that a contender here sends: a chunked answer is an error, not a slow path. */
const LENGTH = /^content-length: *(\d+) *$/im;

/**
 * One keep-alive connection of a client to a target: directly, or as a client of a forward proxy, that is with
 * CONNECT and TLS inside for `https:`, and with the whole URL in the request line for `http:` (RFC 9112
 * section 3.2.2 and 3.2.3). It asks one thing at a time and always the same.
 */
export class LoadConnection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #onAnswer: (answer: Answer) => void;
  #received = '';

  private constructor(socket: Socket, target: Target, onAnswer: (answer: Answer) => void) {
    this.#socket = socket;
    this.#request = requestBytes(target);
    this.#onAnswer = onAnswer;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('end', () => socket.destroy(new Error('the connection was closed')));
  }

  /**
   * @param context what the client trusts; only used for `https:`
   * @param onAnswer gets each answer, with the status line not yet judged
   * @param onError gets what ends the connection before `close()` does
   * @throws when the connection cannot be made, the proxy refuses CONNECT, or the certificate is not trusted
   */
  static async open(
    target: Target,
    context: SecureContext,
    onAnswer: (answer: Answer) => void,
    onError: (error: Error) => void,
  ): Promise<LoadConnection> {
    const socket = await openSocket(target, context);
    socket.on('error', onError);
    return new LoadConnection(socket, target, onAnswer);
  }

  /** Asks; `onAnswer` hears of it. */
  ask(): void {
    this.#socket.write(this.#request);
  }

  close(): void {
    this.#socket.removeAllListeners('end').destroy();
  }

  #read(chunk: Buffer): void {
    // Head and body may come apart, and in TLS they do when they were written apart: each is a record.
    const text = this.#received + chunk.toString('latin1');
    const headEnd = text.indexOf('\r\n\r\n');
    if (headEnd < 0) {
      this.#received = text;
      return;
    }
    const head = text.slice(0, headEnd);
    const end = headEnd + 4 + Number(LENGTH.exec(head)?.[1]);
    if (text.length < end) {
      this.#received = text;
      return;
    }
    if (text.length !== end) {
      this.#socket.destroy(
        new Error(`expected an answer with a content-length, got:\n${text.slice(0, 400)}`),
      );
      return;
    }
    this.#received = '';
    this.#onAnswer({ status: Number(head.slice(9, 12)), head, body: text.slice(headEnd + 4) });
  }
}

/** What a client of this target trusts: the authority that it names, and nothing else. */
export function trustOf({ authority }: Target): SecureContext {
  return createSecureContext(authority === undefined ? {} : { ca: readFileSync(authority) });
}

/** Asks once, on a connection of its own. */
export async function askOnce(target: Target): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const connection = await LoadConnection.open(target, trustOf(target), resolve, reject);
  try {
    connection.ask();
    return await promise;
  } finally {
    connection.close();
  }
}

async function openSocket({ url, proxy }: Target, context: SecureContext): Promise<Socket> {
  const { protocol, host, hostname } = new URL(url);
  const first = new URL(proxy ?? url);
  const socket = connectTcp({ host: first.hostname, port: Number(first.port), noDelay: true });
  await once(socket, 'connect');
  if (protocol === 'http:') return socket;
  if (proxy !== undefined) await openTunnel(socket, host);
  const secured = connectTls({ socket, servername: hostname, secureContext: context });
  await once(secured, 'secureConnect');
  return secured;
}

async function openTunnel(socket: Socket, authority: string): Promise<void> {
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  let answer = '';
  // The client speaks first in TLS, so nothing can follow the answer to CONNECT yet.
  while (!answer.endsWith('\r\n\r\n')) {
    const [chunk]: Buffer[] = await once(socket, 'data');
    answer += chunk?.toString('latin1') ?? '';
  }
  if (!answer.startsWith('HTTP/1.1 200')) throw new Error(`CONNECT ${authority} was refused:\n${answer}`);
}

function requestBytes({ url, proxy, headers }: Target): Buffer {
  const { protocol, host, pathname } = new URL(url);
  const path = proxy !== undefined && protocol === 'http:' ? url : pathname;
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...headers];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}
