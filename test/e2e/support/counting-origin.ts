import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Credentials } from './test-authority.ts';

/**
 * An origin that never says the same thing twice: `/next` tells how many requests there have been, `/echo` repeats
 * the body. What a client reads again without it comes from a recording.
 */
export class CountingOrigin implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly #server: Server;
  /** Requests so far. */
  readonly #count: () => number;

  private constructor(server: Server, scheme: string, count: () => number) {
    this.port = (server.address() as AddressInfo).port;
    this.url = `${scheme}://127.0.0.1:${this.port}`;
    this.#server = server;
    this.#count = count;
  }

  /** @param credentials with which it speaks TLS; without any it speaks plain HTTP */
  static async listen(credentials?: Credentials): Promise<CountingOrigin> {
    let count = 0;
    const answer: RequestListener = async (request, response) => {
      count += 1;
      const parts: string[] = [];
      for await (const chunk of request.setEncoding('utf8')) parts.push(chunk);
      const body = request.url === '/echo' ? `you said ${parts.join('')}` : `number ${count}`;
      response.setHeader('content-type', 'text/plain; charset=utf-8').end(`${body} — ${crypto.randomUUID()}`);
    };
    const server = credentials === undefined ? createServer(answer) : createSecureServer(credentials, answer);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new CountingOrigin(server, credentials === undefined ? 'http' : 'https', () => count);
  }

  get count(): number {
    return this.#count();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
