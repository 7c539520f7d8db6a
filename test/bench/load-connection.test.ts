import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { askOnce } from '../../bench/load-connection.ts';
import { type Authority, openAuthority } from '../../src/authority/index.ts';

const folders: string[] = [];
const servers: Server[] = [];

after(async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })));
});

async function makeAuthority(): Promise<Authority> {
  const folder = await mkdtemp(join(tmpdir(), 'softprobe-test-'));
  folders.push(folder);
  return openAuthority({ folder });
}

/** Listens on a free loopback port until the tests are over. */
async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return portOf(server);
}

function portOf(server: TcpServer): number {
  const address: AddressInfo | string | null = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return address.port;
}

/** A TLS server that answers with the path it was asked for. */
async function startSecureOrigin(authority: Authority): Promise<string> {
  const { certificate, key } = await authority.issue('localhost');
  const server = createSecureServer({ cert: certificate, key }, (request, response) => {
    response.setHeader('content-length', Buffer.byteLength(request.url ?? ''));
    response.write(request.url?.slice(0, 3));
    response.end(request.url?.slice(3));
  });
  return `https://localhost:${await listen(server)}/items/1`;
}

/** A forward proxy that carries tunnels blindly, and notes the request lines it gets. */
async function startProxy(seen: string[], refuse = false): Promise<string> {
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.setHeader('content-length', 2).end('ok');
  });
  server.on('connect', (request, client) => {
    seen.push(`${request.method} ${request.url}`);
    if (refuse) {
      client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
      return;
    }
    const upstream = connect(Number(request.url?.split(':')[1]), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
  return `http://127.0.0.1:${await listen(server)}`;
}

describe('a connection of the load generator', () => {
  it('asks directly over TLS, and puts an answer together that came in parts', async () => {
    const authority = await makeAuthority();
    const url = await startSecureOrigin(authority);
    const { status, body } = await askOnce({ url, headers: [], authority: authority.certFile });
    assert.deepEqual({ status, body }, { status: 200, body: '/items/1' });
  });

  it('opens a tunnel for https', async () => {
    const authority = await makeAuthority();
    const url = await startSecureOrigin(authority);
    const seen: string[] = [];
    const proxy = await startProxy(seen);
    const { body } = await askOnce({ url, headers: [], proxy, authority: authority.certFile });
    assert.equal(body, '/items/1');
    assert.deepEqual(seen, [`CONNECT ${new URL(url).host}`]);
  });

  it('gives a proxy the whole URL for http', async () => {
    const seen: string[] = [];
    const proxy = await startProxy(seen);
    const { body } = await askOnce({ url: 'http://upstream.test:81/items/1', headers: [], proxy });
    assert.equal(body, 'ok');
    assert.deepEqual(seen, ['GET http://upstream.test:81/items/1']);
  });

  it('fails where the certificate comes from another authority: nothing was intercepted', async () => {
    const url = await startSecureOrigin(await makeAuthority());
    const proxy = await startProxy([]);
    const trusted = await makeAuthority();
    await assert.rejects(askOnce({ url, headers: [], proxy, authority: trusted.certFile }), {
      code: /CERT|VERIFY|SIGNATURE/,
    });
  });

  it('fails where the proxy refuses the tunnel', async () => {
    const authority = await makeAuthority();
    const proxy = await startProxy([], true);
    const target = { url: 'https://localhost:1/', headers: [], proxy, authority: authority.certFile };
    await assert.rejects(askOnce(target), /CONNECT localhost:1 was refused:\nHTTP\/1\.1 502/);
  });

  it('fails on an answer that does not tell its length, and on one that is cut off', async () => {
    const cut = createServer((_request, response) => {
      response.setHeader('content-length', 10).write('x', () => response.destroy());
    });
    const open = createServer((_request, response) => {
      response.write('x');
    });
    for (const [server, reason] of [
      [cut, /closed|ECONNRESET/],
      [open, /content-length/],
    ] as const) {
      const url = `http://127.0.0.1:${await listen(server)}/`;
      await assert.rejects(askOnce({ url, headers: [] }), reason);
    }
  });
});
