import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * The real dependency of the worker: `/echo?id=N` answers the id; `/value` answers `"real"`, which no session
 * that mocks it may ever see.
 */
export class Dependency implements AsyncDisposable {
  readonly url: string;
  /** Requests that arrived, as `GET /path?query`. */
  readonly seen: string[] = [];
  /** Connections that were accepted so far. */
  connections = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('connection', () => {
      this.connections += 1;
    });
    server.on('request', ({ method, url }: IncomingMessage) => this.seen.push(`${method} ${url}`));
  }

  static async listen(): Promise<Dependency> {
    const server = createServer(({ url = '' }, response) => {
      const id = new URLSearchParams(url.replace(/^[^?]*\??/, '')).get('id');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(url.startsWith('/echo') ? id : 'real'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Dependency(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
