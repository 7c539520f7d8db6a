import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { plain } from './rows/row.ts';
import { Session } from './support/control-client.ts';
import { proxyCredentials } from './support/egress-call.ts';
import { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { type TlsStage, useTlsStage } from './support/tls-stage.ts';

const MEBIBYTE = 1024 * 1024;

let stage: TlsStage;
let origin: ScriptedOrigin;
let program: Program;
useTlsStage(
  (set) => {
    stage = set;
    ({ origin, program } = set);
  },
  ['--header-timeout', '1s'],
);

/** Nobody listens at its far end. */
const tunnel = () => RawClient.connectThrough(program.egress, '127.0.0.1:9');
const direct = () => RawClient.connect(program.egress);

/** What a real client says first. */
async function clientHello(): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const wire = new Duplex({ read: () => {}, write: (chunk: Buffer) => resolve(chunk) });
  connectTls({ socket: wire, servername: 'gone.invalid' }).on('error', () => {});
  return await promise;
}

/** Records of a ClientHello that claims 60,000 bytes, with noise inside. */
function endlessHello(bytes: number): Buffer {
  const message = Buffer.concat([Buffer.from([1, 0, 0xea, 0x60]), randomBytes(bytes)]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += 16_000) {
    const part = message.subarray(at, at + 16_000);
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(records);
}

interface Hostile {
  readonly name: string;
  readonly connect: () => Promise<RawClient>;
  readonly bytes: () => Promise<Uint8Array>;
}

const nothing = async () => Buffer.alloc(0);
const half = async () => (await clientHello()).subarray(0, 100);

const hostile: readonly Hostile[] = [
  { name: 'nothing, in a tunnel', connect: tunnel, bytes: nothing },
  { name: 'nothing, to the listener', connect: direct, bytes: nothing },
  { name: 'the first byte of TLS, in a tunnel', connect: tunnel, bytes: async () => Buffer.from([22]) },
  { name: 'the first byte of TLS, to the listener', connect: direct, bytes: async () => Buffer.from([22]) },
  { name: 'half a ClientHello, in a tunnel', connect: tunnel, bytes: half },
  { name: 'half a ClientHello, to the listener', connect: direct, bytes: half },
  { name: 'a ClientHello and no more, in a tunnel', connect: tunnel, bytes: clientHello },
  { name: 'a ClientHello and no more, to the listener', connect: direct, bytes: clientHello },
  {
    name: 'a ClientHello and then noise',
    connect: tunnel,
    bytes: async () => Buffer.concat([await clientHello(), randomBytes(100_000)]),
  },
  {
    name: 'most of a ClientHello without end, in a tunnel',
    connect: tunnel,
    bytes: async () => endlessHello(59_000),
  },
  {
    name: 'most of a ClientHello without end, to the listener',
    connect: direct,
    bytes: async () => endlessHello(59_000),
  },
  {
    name: '100,000 bytes of noise that begin as TLS does, in a tunnel',
    connect: tunnel,
    bytes: async () => endlessHello(100_000),
  },
  {
    name: '100,000 bytes of noise that begin as TLS does, to the listener',
    connect: direct,
    bytes: async () => endlessHello(100_000),
  },
  {
    name: '100,000 bytes of noise, in a tunnel',
    connect: tunnel,
    bytes: async () => Buffer.concat([Buffer.from([0xff]), randomBytes(100_000)]),
  },
  {
    name: '100,000 bytes of a request line, in a tunnel',
    connect: tunnel,
    bytes: async () => Buffer.from(`GET /${'a'.repeat(100_000)}`),
  },
];

describe('a client that sends', () => {
  for (const { name, connect, bytes } of hostile) {
    test(`${name}: is gone after a while, and costs little`, async () => {
      await callInside();
      const sockets = program.openSockets;
      program.forgetPeak();
      const resident = program.residentBytes;
      const clients = await Promise.all(Array.from({ length: 100 }, connect));
      const said = await bytes();
      // The end may come before all was taken.
      for (const { socket } of clients) socket.on('error', () => {}).write(said);
      await callInside();
      await Promise.all(clients.map(({ source }) => source.ending()));
      for (const client of clients) client[Symbol.dispose]();
      assert.ok(program.peakResidentBytes - resident < 100 * MEBIBYTE);
      // Those to upstreams come and go.
      assert.ok(program.openSockets < sockets + 10);
      assert.doesNotMatch(program.log, /defect/);
    });
  }

  test('nothing inside TLS: is gone after a while', async () => {
    using client = await RawClient.connectTls(program.egress, {
      authority: 'gone.invalid:443',
      ca: stage.ca,
      servername: 'gone.invalid',
    });
    await client.source.ending();
  });

  test('nothing, although its session lets nothing out: a strict miss that is recorded', async () => {
    const session = await Session.open(program.control, { mode: 'capture', policy: { offline: true } });
    using client = await RawClient.connectThrough(program.egress, 'mail.invalid:25', [
      proxyCredentials(session.id),
    ]);
    await client.source.ending();
    const { strictMisses } = await session.stats();
    assert.equal(strictMisses, 1);
    const span = onlySpan(await session.closeToCase());
    assert.deepEqual(
      [attribute(span, 'url.host'), attribute(span, 'sp.outcome')],
      ['mail.invalid:25', 'strict-miss'],
    );
  });
});

describe('a client that goes away', () => {
  const stages: Record<string, () => Promise<RawClient>> = {
    'after CONNECT': tunnel,
    'with half a ClientHello said': async () => {
      const client = await tunnel();
      await client.write(await half());
      return client;
    },
    'in the middle of the handshake': async () => {
      const client = await tunnel();
      await client.write(await clientHello());
      await client.source.exactly(5);
      return client;
    },
    'inside TLS': () =>
      RawClient.connectTls(program.egress, {
        authority: origin.authority,
        ca: stage.ca,
        servername: 'localhost',
      }),
  };
  for (const [name, reach] of Object.entries(stages)) {
    for (const how of ['destroy', 'resetAndDestroy'] as const) {
      test(`${name}: takes nothing along (${how})`, async () => {
        await callInside();
        const sockets = program.openSockets;
        for (let i = 0; i < 20; i++) {
          const { socket } = await reach();
          // A socket of TLS cannot be reset.
          if (how === 'destroy' || 'encrypted' in socket) socket.destroy();
          else socket.resetAndDestroy();
        }
        while (program.openSockets > sockets + 2) await callInside();
        assert.doesNotMatch(program.log, /defect/);
      });
    }
  }
});

/** Whatever others do: a call inside TLS is answered, on a connection that ends with it. */
async function callInside() {
  using client = await RawClient.connectTls(program.egress, {
    authority: origin.authority,
    ca: stage.ca,
    servername: 'localhost',
  });
  origin.next(plain('served'));
  await client.write(`GET / HTTP/1.1\r\nHost: ${origin.authority}\r\nConnection: close\r\n\r\n`);
  assert.equal((await client.readResponse()).body.toString(), 'served');
  await client.source.rest();
}

test('SIGTERM lets what is inside TLS finish, and breaks off what is not', async () => {
  const stopping = await Program.start('http://127.0.0.1:9', [...stage.trusting, '--drain-timeout', '10s']);
  const how = { authority: origin.authority, ca: stage.ca, servername: 'localhost' };
  const busy = await RawClient.connectTls(stopping.egress, how);
  const idle = await RawClient.connectTls(stopping.egress, how);
  origin.next(plain('before'));
  await idle.write(`GET / HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
  await idle.readResponse();
  const reached = Promise.withResolvers<void>();
  const stopped = Promise.withResolvers<void>();
  origin.next(async (call) => {
    await call.body();
    reached.resolve();
    await stopped.promise;
    await call.write(plain('finished'));
  });
  await busy.write(`GET / HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
  await reached.promise;
  const exit = stopping[Symbol.asyncDispose]();
  await idle.source.ending();
  stopped.resolve();
  assert.equal((await busy.readResponse()).body.toString(), 'finished');
  await once(busy.socket, 'close');
  await exit;
});

test('SIGTERM does not wait longer than it may for a handshake that was begun', async () => {
  const stopping = await Program.start('http://127.0.0.1:9', ['--drain-timeout', '100ms']);
  using silent = await RawClient.connectThrough(stopping.egress, 'gone.invalid:443');
  using begun = await RawClient.connectThrough(stopping.egress, 'gone.invalid:443');
  await begun.write(await clientHello());
  await begun.source.exactly(5);
  const endings = [silent.source.ending(), begun.source.ending()];
  await stopping[Symbol.asyncDispose]();
  await Promise.all(endings);
  assert.doesNotMatch(stopping.log, /refused our certificate|defect/);
});
