import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectSecurely } from 'node:tls';
import { type RawData, WebSocket } from 'ws';
import { Session } from './support/control-client.ts';
import { EchoApp } from './support/echo-app.ts';
import { Program } from './support/program.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import { stalled } from './support/stalled.ts';
import { TestAuthority } from './support/test-authority.ts';

const MIB = 1024 * 1024;
/** What sockets' buffers on the way may take in; the kernel's grow to a few MiB each. */
const BUFFERS_BOUND = 60 * MIB;
/** What the program may grow by while it holds a WebSocket up; the collector lets some garbage lie. */
const STALLED_BOUND = 48 * MIB;

/** How a client comes to the app. */
interface Way {
  readonly name: string;
  readonly isSecure: boolean;
  /** A connection over which the client speaks to the app, and what it asks for. */
  connect(path: string): Promise<{ socket: Duplex; target: string }>;
}

let authority: TestAuthority;
let app: EchoApp;
let secureApp: EchoApp;
let program: Program;
let folder: string;
before(async () => {
  authority = await TestAuthority.create();
  [app, secureApp] = await Promise.all([EchoApp.listen(), EchoApp.listen(await authority.server())]);
  folder = await mkdtemp(join(tmpdir(), 'softprobe-ws-'));
  const upstreamCa = join(folder, 'upstream-ca.pem');
  await writeFile(upstreamCa, authority.certificate);
  program = await Program.start(`http://${app.authority}`, [
    ...['--ca-dir', folder, '--upstream-ca', upstreamCa, '--drain-timeout', '100ms'],
  ]);
});
after(async () => {
  await program[Symbol.asyncDispose]();
  await Promise.all([app[Symbol.asyncDispose](), secureApp[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true });
});

async function connectTo(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  return socket;
}

async function openTunnel(to: string): Promise<Socket> {
  const socket = await connectTo(program.egress);
  socket.write(`CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n\r\n`);
  const [head] = await once(socket, 'data');
  assert.match(String(head), /^HTTP\/1\.1 200 [^\r]*\r\n\r\n$/);
  return socket;
}

const ways: readonly Way[] = [
  {
    name: 'ingress',
    isSecure: false,
    connect: async (path) => ({ socket: await connectTo(program.ingress), target: path }),
  },
  {
    name: 'egress, absolute-form',
    isSecure: false,
    connect: async (path) => ({
      socket: await connectTo(program.egress),
      target: `http://${app.authority}${path}`,
    }),
  },
  {
    name: 'egress, in a tunnel',
    isSecure: false,
    connect: async (path) => ({ socket: await openTunnel(app.authority), target: path }),
  },
  {
    name: 'egress, in TLS that is looked into',
    isSecure: true,
    async connect(path) {
      const ca = readFileSync(join(folder, 'ca', 'certificate.pem'));
      const socket = connectSecurely({
        socket: await openTunnel(secureApp.authority),
        host: '127.0.0.1',
        ca,
      });
      await once(socket, 'secureConnect');
      return { socket, target: path };
    },
  },
];

/** Opens a WebSocket. @throws when it is refused */
async function open(way: Way, path = '/echo', headers: Record<string, string> = {}): Promise<WebSocket> {
  const client = await begin(way, path, headers);
  await once(client, 'open');
  return client;
}

async function begin(way: Way, path: string, headers: Record<string, string>): Promise<WebSocket> {
  const { socket, target } = await way.connect(path);
  const { authority: host } = way.isSecure ? secureApp : app;
  return new WebSocket(`${way.isSecure ? 'wss' : 'ws'}://${host}${path}`, {
    headers,
    maxPayload: 64 * MIB,
    createConnection: () => socket as Socket,
    finishRequest(request) {
      request.path = target;
      request.end();
    },
  });
}

/** Opens one that is answered with an ordinary response, and reads that. */
async function refused(
  way: Way,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; body: string }> {
  const client = await begin(way, path, headers);
  client.on('error', () => {});
  const [, response] = await once(client, 'unexpected-response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

async function close(client: WebSocket, code = 1000, reason = ''): Promise<string> {
  client.close(code, reason);
  const [gotCode, gotReason] = await once(client, 'close');
  return `${gotCode} ${gotReason}`.trim();
}

/** Waits for what another process brings about. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = performance.now() + 15_000; !condition(); await delay(5)) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
  }
}

const sessionHeaders = ({ id }: Session) => ({ 'x-softprobe-session-id': id });

for (const way of ways) {
  const appOf = () => (way.isSecure ? secureApp : app);
  describe(`WebSocket: ${way.name}`, () => {
    test('10,000 messages come back in order, as text or binary as they were', async () => {
      const client = await open(way);
      const count = 10_000;
      let next = 0;
      const done = Promise.withResolvers<void>();
      client.on('message', (data: RawData, isBinary: boolean) => {
        if (data.toString() !== `message ${next}` || isBinary !== (next % 2 === 1)) {
          done.reject(new Error(`expected message ${next}, got ${isBinary ? 'binary' : 'text'} ${data}`));
        }
        next += 1;
        if (next === count) done.resolve();
      });
      for (let i = 0; i < count; i++) client.send(Buffer.from(`message ${i}`), { binary: i % 2 === 1 });
      await done.promise;
      await close(client);
    });

    test('a message of 10 MB passes whole, each way', async () => {
      const client = await open(way);
      const large = Buffer.alloc(
        10_000_000,
        Uint8Array.from({ length: 251 }, (_, index) => index),
      );
      client.send(large);
      const [back] = await once(client, 'message');
      assert.equal(large.compare(back), 0);
      await close(client);
    });

    test('close codes and reasons of either side arrive', async () => {
      const { closed } = appOf();
      assert.equal(await close(await open(way), 4321, `enough of ${way.name}`), `4321 enough of ${way.name}`);
      await until(() => closed.includes(`4321 enough of ${way.name}`), 'the app saw the close');
      const client = await open(way);
      client.send('close 1013');
      const [code, reason] = await once(client, 'close');
      assert.equal(`${code} ${reason}`, '1013 as you wish');
    });

    test('a side that is killed ends the other', async () => {
      const client = await open(way);
      const { closed, clients } = appOf();
      closed.length = 0;
      client.terminate();
      await until(() => closed.includes('1006'), 'the app saw a close without a close frame');

      const other = await open(way);
      other.on('error', () => {});
      for (const side of clients) side.terminate();
      const [code] = await once(other, 'close');
      assert.equal(code, 1006);
    });

    test('of a session is one recorded exchange with byte counts', async () => {
      const session = await Session.open(program.control, { mode: 'capture' });
      const client = await begin(way, '/echo', sessionHeaders(session));
      const [[response]] = await Promise.all([once(client, 'upgrade'), once(client, 'open')]);
      assert.equal(response.headers['x-softprobe-outcome'], 'forward');
      const payload = Buffer.alloc(70_000, 'x');
      for (let i = 0; i < 10; i++) {
        client.send(payload);
        await once(client, 'message');
      }
      await close(client);
      const span = onlySpan(await session.closeToCase());
      assert.equal(attribute(span, 'http.response.status_code'), 101);
      assert.equal(attribute(span, 'url.scheme'), way.isSecure ? 'https' : 'http');
      assert.equal(attribute(span, 'error.type'), undefined);
      // RFC 6455 section 5.2: a frame of that size has 10 bytes in front, and 4 more where it is masked; a close has 4.
      assert.equal(attribute(span, 'http.request.body.size'), 10 * (70_000 + 14) + 8);
      assert.equal(attribute(span, 'http.response.body.size'), 10 * (70_000 + 10) + 4);
      assert.equal(attribute(span, 'http.response.body'), undefined);
    });

    test('a handshake is answered by a rule, an error or the policy', async () => {
      const session = await Session.open(program.control, {
        mode: 'replay',
        policy: { externalHttp: 'strict', internalHttp: 'strict' },
      });
      await session.setRules([
        {
          id: 'm',
          when: { path: '/mock' },
          then: { action: 'mock', response: { status: 403, body: 'mock' } },
        },
        { id: 'e', when: { path: '/error' }, then: { action: 'error', error: { status: 500, body: 'err' } } },
      ]);
      const mocked = await refused(way, '/mock', sessionHeaders(session));
      assert.deepEqual([mocked.status, mocked.body, mocked.headers['x-softprobe-rule']], [403, 'mock', 'm']);
      const failed = await refused(way, '/error', sessionHeaders(session));
      assert.deepEqual([failed.status, failed.body], [500, 'err']);
      if (way.name !== 'ingress') {
        const strict = await refused(way, '/other', sessionHeaders(session));
        assert.deepEqual([strict.status, strict.headers['x-softprobe-outcome']], [599, 'strict-miss']);
      }
      await session.close();
    });

    test('an app that refuses the handshake is heard', async () => {
      const { status, headers, body } = await refused(way, '/refused');
      assert.deepEqual([status, headers['x-why'], body], [401, 'no token', 'who?']);
    });

    test('a client that does not read makes the app wait', async () => {
      const target = appOf();
      target.flooded = 0;
      const client = await open(way, '/flood');
      await once(client, 'message');
      const atRest = program.residentBytes;
      client.pause();
      await stalled(() => target.flooded, program.admin);
      assert.ok(target.flooded < BUFFERS_BOUND, `the app could send ${Math.round(target.flooded / MIB)} MiB`);
      const grown = program.residentBytes - atRest;
      assert.ok(grown < STALLED_BOUND, `grew by ${Math.round(grown / MIB)} MiB`);
      client.resume();
      await until(() => target.flooded > 2 * BUFFERS_BOUND, 'the app can send again');
      client.terminate();
      await until(() => target.clients.size === 0, 'the app is rid of its client');
    });

    test('100 at once work, and nothing stays behind', async () => {
      const atRest = program.openSockets;
      const clients = await Promise.all(Array.from({ length: 100 }, () => open(way)));
      await Promise.all(
        clients.map(async (client, index) => {
          client.send(`hello ${index}`);
          const [data] = await once(client, 'message');
          assert.equal(String(data), `hello ${index}`);
        }),
      );
      await Promise.all(clients.map((client) => close(client)));
      await until(() => appOf().clients.size === 0, 'the app is rid of its clients');
      await until(() => program.openSockets <= atRest, 'the program has closed its sockets');
    });
  });
}
