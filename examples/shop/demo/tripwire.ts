import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** Stands where a server was and counts who still comes. */
export class Tripwire implements AsyncDisposable {
  #server: Server;
  connections = 0;

  private constructor() {
    this.#server = createServer((socket) => {
      this.connections += 1;
      socket.destroy();
    });
  }

  static async at(url: string): Promise<Tripwire> {
    const tripwire = new Tripwire();
    tripwire.#server.listen(Number(new URL(url).port), '127.0.0.1');
    await once(tripwire.#server, 'listening');
    return tripwire;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
