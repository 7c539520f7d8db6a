import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, describe, test } from 'node:test';
import { ByteSource } from './support/byte-source.ts';
import { field } from './support/http-message.ts';
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
    const { client, far } = await openTunnel();
    using _ = client;
    const bytes = randomBytes(1 << 20);
    far.pipe(far);
    const sent = client.write(bytes);
    const back = await client.source.exactly(bytes.length);
    await sent;
    assert.equal(back.compare(bytes), 0);
  });

  test('carries bytes that came together with the CONNECT', async () => {
    const { client, far } = await openTunnel('early');
    using _ = client;
    assert.equal((await new ByteSource(far).exactly(5)).toString(), 'early');
    far.write('late');
    assert.equal((await client.source.exactly(4)).toString(), 'late');
  });

  test('hands on the end of one direction and keeps the other open', async () => {
    const { client, far } = await openTunnel();
    using _ = client;
    const farSource = new ByteSource(far);
    await client.write('last words');
    client.halfClose();
    assert.deepEqual(await farSource.rest(), { bytes: Buffer.from('last words'), ending: 'end' });
    far.end('answer');
    assert.deepEqual(await client.source.rest(), { bytes: Buffer.from('answer'), ending: 'end' });
  });

  test('ends on the far side when the client goes away', async () => {
    const { client, far } = await openTunnel();
    client[Symbol.dispose]();
    await new ByteSource(far).ending();
  });

  test('ends for the client when the far side goes away', async () => {
    const { client, far } = await openTunnel();
    using _ = client;
    far.resetAndDestroy();
    await client.source.ending();
  });

  test('to a port that refuses is a 502', async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    await once(probe, 'close');
    await expectRefused(`127.0.0.1:${port}`, 502);
  });

  test('to a listener of the proxy itself is a 508', async () => {
    await expectRefused(new URL(program.egress).host, 508);
    await expectRefused(`localhost:${new URL(program.control).port}`, 508);
  });

  test('does not keep the program from stopping', async () => {
    const stopping = await Program.start('http://127.0.0.1:9', ['--drain-timeout', '100ms']);
    const { client, far } = await openTunnel('', stopping.egress);
    using _ = client;
    const endings = [client.source.ending(), new ByteSource(far).ending()];
    await stopping[Symbol.asyncDispose]();
    await Promise.all(endings);
  });
});

async function openTunnel(early = '', egress = program.egress): Promise<{ client: RawClient; far: Socket }> {
  accepted = Promise.withResolvers<Socket>();
  const client = await RawClient.connect(egress);
  await client.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n${early}`);
  const { startLine } = await client.readHead();
  assert.match(startLine, /^HTTP\/1\.1 200 /);
  return { client, far: await accepted.promise };
}

async function expectRefused(target: string, status: number) {
  using client = await RawClient.connect(program.egress);
  await client.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  const answer = await client.readResponse();
  assert.equal(answer.status, status);
  assert.equal(field(answer, 'x-softprobe-outcome'), 'proxy-error');
}
