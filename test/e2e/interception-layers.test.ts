import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { useTlsStage } from './support/tls-stage.ts';

let program: Program;
useTlsStage(
  (set) => {
    ({ program } = set);
  },
  ['--tls-passthrough', 'stripe.invalid'],
);

test('tunnels inside tunnels have an end: the stack of the proxy has one, too', async () => {
  using client = await RawClient.connectThrough(program.egress, '127.0.0.1:9');
  let opened = 1;
  let status = 200;
  while (status === 200 && opened < 1000) {
    await client.write('CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: 127.0.0.1:9\r\n\r\n');
    ({ status } = await client.readResponse('CONNECT'));
    if (status === 200) opened += 1;
  }
  assert.equal(status, 508);
  assert.equal(opened, 16);
  assert.doesNotMatch(program.log, /defect/);
});

/** As a client says it that takes any name for a server name. */
async function clientHello(serverName: string, protocols: string[]): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const wire = new Duplex({ read: () => {}, write: (chunk: Buffer) => resolve(chunk) });
  connectTls({ socket: wire, servername: serverName, ALPNProtocols: protocols }).on('error', () => {});
  return await promise;
}

const names: Record<string, { serverName: string; protocols: string[] }> = {
  'that cannot be looked into': { serverName: 'no host', protocols: ['h2'] },
  'that passes untouched': { serverName: 'no host.stripe.invalid', protocols: ['http/1.1'] },
  'that is looked into': { serverName: 'no \u001b[31mhost\r\n', protocols: ['http/1.1'] },
};
for (const [kind, { serverName, protocols }] of Object.entries(names)) {
  test(`TLS ${kind}, for a server name that is none: ends at once, and is no defect`, async () => {
    using client = await RawClient.connect(program.egress);
    client.socket.on('error', () => {});
    await client.write(await clientHello(serverName, protocols));
    await client.source.ending();
    assert.doesNotMatch(program.log, /defect|"level":50/);
  });
}
