import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * Several apps behind one address, since a proxy has one app: `/<name>/…` goes to the app of that name. It passes
 * all headers on and adds none.
 */
export class Gateway implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** @param urlOf where the app of a name is; asked for each request, so that apps may start later */
  static async listen(urlOf: (name: string) => string | undefined): Promise<Gateway> {
    const server = createServer((incoming, outgoing) => {
      const url = urlOf(/^\/([^/?]*)/.exec(incoming.url ?? '')?.[1] ?? '');
      if (url === undefined) outgoing.writeHead(404).end(`no app for ${incoming.url}`);
      else pass(incoming, outgoing, url);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Gateway(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, url: string) {
  const { hostname, port } = new URL(url);
  const { method, url: path, rawHeaders } = incoming;
  const onward = request({ hostname, port, method, path, headers: rawHeaders }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
    answer.pipe(outgoing);
  });
  onward.on('error', (error) => outgoing.writeHead(502).end(String(error)));
  incoming.pipe(onward);
}
