import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { serveWithoutUpgrade } from '../../src/proxy/upgrades.ts';
import { RawClient } from '../e2e/support/raw-client.ts';

/** A server that lets go of every connection with an `Upgrade`, as those before Node 24.9 do. */
class OldServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const serve = (connection: unknown) => server.emit('connection', connection);
    server.on('upgrade', (request, client, first) => serveWithoutUpgrade(serve, request, client, first));
  }

  static async listen(listener: RequestListener): Promise<OldServer> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OldServer(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const UPGRADE = ['Connection: Upgrade, HTTP2-Settings', 'upgrade: h2c', 'HTTP2-Settings: AAMAAABk'];

const post = (path: string, lines: readonly string[], body: string) =>
  [`POST ${path} HTTP/1.1`, 'Host: app', ...lines, `Content-Length: ${body.length}`, '', body].join('\r\n');

describe('a request with an Upgrade that is ignored', () => {
  test('is served as an ordinary one, body and all, as often as it comes', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    await using server = await OldServer.listen(async (request, response) => {
      assert.equal(request.headers.upgrade, undefined);
      response.end(`${request.url} ${request.rawHeaders.length / 2} ${await bodyOf(request)}`);
    });
    using client = await RawClient.connect(server.url);
    // More often than an emitter takes listeners for one event without a warning.
    for (let i = 0; i < 15; i++) {
      const text = post(`/${i}?e=%zz`, [...UPGRADE, 'X-Latin: \xe9'], `body ${i}`);
      await client.write(text.slice(0, -3));
      await client.write(text.slice(-3));
      const answer = await client.readResponse();
      assert.equal(answer.body.toString(), `/${i}?e=%zz 5 body ${i}`);
    }
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });

  test('is answered after what was asked before it', async () => {
    const mayAnswer = Promise.withResolvers<void>();
    const large = 'x'.repeat(4_000_000);
    await using server = await OldServer.listen(async (request, response) => {
      await bodyOf(request);
      if (request.url !== '/first') {
        response.end(request.url);
        return;
      }
      await mayAnswer.promise;
      // In pieces, each when there is room: that is what the server has to be told.
      for (let i = 0; i < large.length; i += 500_000) {
        if (!response.write(large.slice(i, i + 500_000))) await once(response, 'drain');
      }
      response.end();
    });
    using client = await RawClient.connect(server.url);
    await client.write(post('/first', [], 'a') + post('/second', UPGRADE, 'b') + post('/third', [], 'c'));
    mayAnswer.resolve();
    assert.equal((await client.readResponse()).body.length, large.length);
    assert.equal((await client.readResponse()).body.toString(), '/second');
    assert.equal((await client.readResponse()).body.toString(), '/third');
  });

  test('is dropped with a client that goes away before its turn', async () => {
    const arrived = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const served: (string | undefined)[] = [];
    await using server = await OldServer.listen((request, response) => {
      served.push(request.url);
      response.once('close', gone.resolve);
      arrived.resolve();
    });
    using client = await RawClient.connect(server.url);
    await client.write(post('/first', [], 'a') + post('/second', UPGRADE, 'b'));
    await arrived.promise;
    client.socket.resetAndDestroy();
    await gone.promise;
    assert.deepEqual(served, ['/first']);
  });
});
