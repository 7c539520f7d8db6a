import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { ByteSource } from './support/byte-source.ts';
import { Session } from './support/control-client.ts';
import { BLIND_BYTES, proxyCredentials } from './support/egress-call.ts';
import { field, type Response } from './support/http-message.ts';
import { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';

let server: Server;
let authority: string;
let program: Program;
let accepted: PromiseWithResolvers<Socket>;
/** Far ends of the tunnels: half-open ones would outlive their test. */
const fars = new Set<Socket>();
before(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    fars.add(socket);
    accepted.resolve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  program = await Program.start('http://127.0.0.1:9');
});
afterEach(() => {
  for (const far of fars) far.destroy();
  fars.clear();
});
after(async () => {
  server.close();
  await program[Symbol.asyncDispose]();
});

describe('CONNECT', () => {
  test('carries bytes both ways untouched', async () => {
    const { client, far, farSource } = await openTunnel();
    using _ = client;
    const up = randomBytes(1 << 20);
    const down = randomBytes(1 << 20);
    const sent = [client.write(up), write(far, down)];
    const [above, below] = await Promise.all([
      farSource.exactly(up.length),
      client.source.exactly(down.length),
    ]);
    await Promise.all(sent);
    assert.deepEqual([above.compare(up), below.compare(down)], [0, 0]);
  });

  test('carries bytes that came together with the CONNECT', async () => {
    const { client, far } = await openTunnel('early');
    using _ = client;
    far.write('late');
    assert.equal((await client.source.exactly(4)).toString(), 'late');
  });

  test('lets the server speak first', async () => {
    accepted = Promise.withResolvers<Socket>();
    using client = await RawClient.connectThrough(program.egress, authority);
    const far = await accepted.promise;
    far.write('220 mail.example ESMTP\r\n');
    assert.equal((await client.source.until('\n')).toString(), '220 mail.example ESMTP\r\n');
    await client.write('EHLO client.example\r\n');
    assert.equal((await new ByteSource(far).until('\n')).toString(), 'EHLO client.example\r\n');
  });

  test('hands on the end of one direction and keeps the other open', async () => {
    const { client, far, farSource } = await openTunnel();
    using _ = client;
    await client.write('last words');
    client.halfClose();
    assert.deepEqual(await farSource.rest(), { bytes: Buffer.from('last words'), ending: 'end' });
    far.end('answer');
    assert.deepEqual(await client.source.rest(), { bytes: Buffer.from('answer'), ending: 'end' });
  });

  test('hands on an end before anything was said', async () => {
    accepted = Promise.withResolvers<Socket>();
    using client = await RawClient.connectThrough(program.egress, authority);
    client.halfClose();
    const far = await accepted.promise;
    assert.deepEqual(await new ByteSource(far).rest(), { bytes: Buffer.alloc(0), ending: 'end' });
    far.end('answer');
    assert.deepEqual(await client.source.rest(), { bytes: Buffer.from('answer'), ending: 'end' });
  });

  test('ends on the far side when the client goes away', async () => {
    const { client, farSource } = await openTunnel();
    client[Symbol.dispose]();
    assert.equal(await farSource.ending(), 'end');
  });

  test('is reset on the far side when the client resets it', async () => {
    const { client, farSource } = await openTunnel();
    client.socket.resetAndDestroy();
    assert.equal(await farSource.ending(), 'reset');
  });

  test('is reset for the client when the far side resets it', async () => {
    const { client, far } = await openTunnel();
    using _ = client;
    far.resetAndDestroy();
    assert.equal(await client.source.ending(), 'reset');
  });

  test('to where nobody listens ends once it is clear that nobody can look into it', async () => {
    using client = await RawClient.connectThrough(program.egress, await deadAuthority());
    await client.write(`${BLIND_BYTES}\r\n`);
    assert.equal((await client.source.rest()).bytes.length, 0);
  });

  test('to a listener of the proxy itself ends, too, and what is inside it is a 508', async () => {
    const { host } = new URL(program.egress);
    using blind = await RawClient.connectThrough(program.egress, host);
    await blind.write(`${BLIND_BYTES}\r\n`);
    assert.equal((await blind.source.rest()).bytes.length, 0);
    using client = await RawClient.connectThrough(
      program.egress,
      `localhost:${new URL(program.control).port}`,
    );
    await client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expectProxyError(await client.readResponse(), 508);
  });

  test('does not keep the program from stopping', async () => {
    const stopping = await Program.start('http://127.0.0.1:9', ['--drain-timeout', '100ms']);
    const { client, farSource } = await openTunnel('\x01', stopping.egress);
    using _ = client;
    const endings = [client.source.ending(), farSource.ending()];
    await stopping[Symbol.asyncDispose]();
    await Promise.all(endings);
  });
});

describe('CONNECT to a host that passes untouched', () => {
  let passing: Program;
  before(async () => {
    passing = await Program.start('http://127.0.0.1:9', ['--tls-passthrough', '127.0.0.1']);
  });
  after(async () => await passing[Symbol.asyncDispose]());

  test('reaches it at once', async () => {
    const { client, far } = await openTunnel('', passing.egress);
    using _ = client;
    far.write('the server speaks first');
    assert.equal((await client.source.exactly(23)).toString(), 'the server speaks first');
  });

  test('to a port that refuses is a 502', async () => {
    expectProxyError(await connect(passing, await deadAuthority()), 502);
  });

  test('to a listener of the proxy itself is a 508', async () => {
    expectProxyError(await connect(passing, new URL(passing.egress).host), 508);
  });

  test('is answered by the policy of its session', async () => {
    const session = await Session.open(passing.control, { mode: 'capture' });
    await session.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
    const answer = await connect(passing, authority, [proxyCredentials(session.id)]);
    assert.deepEqual([answer.status, field(answer, 'x-softprobe-outcome')], [599, 'strict-miss']);
    const { strictMisses } = await session.stats();
    assert.equal(strictMisses, 1);
    await session.close();
  });
});

/** @param early goes with the CONNECT; nothing of it can be taken for HTTP or TLS */
async function openTunnel(
  early = '\x01',
  egress = program.egress,
): Promise<{ client: RawClient; far: Socket; farSource: ByteSource }> {
  accepted = Promise.withResolvers<Socket>();
  const client = await RawClient.connect(egress);
  await client.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n${early}`);
  const { startLine } = await client.readHead();
  assert.match(startLine, /^HTTP\/1\.1 200 /);
  const far = await accepted.promise;
  const farSource = new ByteSource(far);
  assert.equal((await farSource.exactly(early.length)).toString(), early);
  return { client, far, farSource };
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}

async function connect(through: Program, target: string, lines: readonly string[] = []): Promise<Response> {
  using client = await RawClient.connect(through.egress);
  await client.write([`CONNECT ${target} HTTP/1.1`, `Host: ${target}`, ...lines, '', ''].join('\r\n'));
  return await client.readResponse();
}

function expectProxyError(answer: Response, status: number) {
  assert.deepEqual([answer.status, field(answer, 'x-softprobe-outcome')], [status, 'proxy-error']);
}

/** Where nobody listens. */
async function deadAuthority(): Promise<string> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return `127.0.0.1:${port}`;
}
