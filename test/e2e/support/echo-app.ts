import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { Credentials } from './test-authority.ts';

const MIB = 1024 * 1024;
/** When `/flood` gives up: a program that holds all of it back in memory has failed by then. */
const FLOOD = 400 * MIB;

/** A WebSocket app: what it is told at `/echo` comes back; `/flood` sends without end; `/refused` refuses. */
export class EchoApp implements AsyncDisposable {
  readonly authority: string;
  /** Close codes and reasons that its clients sent. */
  readonly closed: string[] = [];
  /** Bytes that `/flood` could write so far. */
  flooded = 0;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * MIB });

  private constructor(server: Server) {
    this.#server = server;
    this.authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('upgrade', (request, socket, head) => {
      if (request.url === '/refused') {
        socket.end('HTTP/1.1 401 Who Are You\r\nX-Why: no token\r\nContent-Length: 4\r\n\r\nwho?');
      } else {
        this.#sockets.handleUpgrade(request, socket, head, (client) => {
          if (request.url === '/flood') this.#flood(client, socket);
          else this.#echo(client);
        });
      }
    });
  }

  static async listen(credentials?: Credentials): Promise<EchoApp> {
    const server = credentials === undefined ? createServer() : createSecureServer(credentials);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new EchoApp(server);
  }

  get clients(): ReadonlySet<WebSocket> {
    return this.#sockets.clients;
  }

  #echo(client: WebSocket): void {
    client.on('message', (data, isBinary) => {
      const text = data.toString();
      if (isBinary || !text.startsWith('close ')) client.send(data, { binary: isBinary });
      else client.close(Number(text.slice(6)), 'as you wish');
    });
    client.on('close', (code, reason) => this.closed.push(`${code} ${reason}`.trim()));
  }

  #flood(client: WebSocket, socket: Duplex): void {
    const block = Buffer.alloc(64 * 1024, 'flood');
    const more = (): void => {
      if (client.readyState !== WebSocket.OPEN || this.flooded > FLOOD) return;
      client.send(block, () => {
        this.flooded += block.length;
        if (socket.writableLength < MIB) more();
        else socket.once('drain', more);
      });
    };
    more();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#sockets.clients) client.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
