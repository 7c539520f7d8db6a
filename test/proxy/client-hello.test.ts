import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import fc from 'fast-check';
import { readClientHello } from '../../src/proxy/client-hello.ts';

/** The first bytes of a real client. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ ...options, host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  client.on('error', () => {});
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(accepted, 'data')) as [Buffer];
  client.destroy();
  server.close();
  return bytes;
}

/** The same handshake message in records of so many bytes. */
function inRecordsOf(size: number, hello: Buffer): Buffer {
  const message = hello.subarray(5);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    const part = message.subarray(at, at + size);
    records.push(Buffer.from([0x16, 3, 1, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(records);
}

describe('a ClientHello', () => {
  it('tells the server name, in lower case, and the protocols offered', async () => {
    const hello = await helloOf({ servername: 'API.Example.com', ALPNProtocols: ['h2', 'http/1.1'] });
    assert.deepEqual(readClientHello(hello), {
      serverName: 'api.example.com',
      protocols: ['h2', 'http/1.1'],
    });
  });

  it('may name no server and offer nothing', async () => {
    assert.deepEqual(readClientHello(await helloOf({})), { serverName: undefined, protocols: [] });
  });

  it('is read the same from TLS 1.2 alone', async () => {
    const hello = await helloOf({ servername: 'old.example', maxVersion: 'TLSv1.2' });
    assert.deepEqual(readClientHello(hello), { serverName: 'old.example', protocols: [] });
  });

  it('is awaited until it is whole, byte after byte', async () => {
    const hello = await helloOf({ servername: 'whole.example' });
    for (let length = 1; length < hello.length; length++) {
      assert.equal(
        readClientHello(hello.subarray(0, length)),
        undefined,
        `${length} of ${hello.length} bytes`,
      );
    }
  });

  it('may be spread over many records, and be followed by more', async () => {
    const hello = await helloOf({ servername: 'spread.example' });
    for (const size of [1, 3, 100]) {
      const bytes = Buffer.concat([inRecordsOf(size, hello), Buffer.from('what follows')]);
      assert.deepEqual(readClientHello(bytes), { serverName: 'spread.example', protocols: [] });
    }
  });

  const others: [string, Buffer][] = [
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['another type of record', Buffer.from([0x17, 3, 3, 0, 1, 0])],
    ['SSL 2', Buffer.from([0x80, 0x2e, 1, 0, 2])],
    ['another message than a hello', Buffer.from([0x16, 3, 1, 0, 4, 2, 0, 0, 0])],
    ['an empty record', Buffer.from([0x16, 3, 1, 0, 0])],
    ['a record that is too long', Buffer.from([0x16, 3, 1, 0xff, 0xff])],
    ['a message of 16 MB', Buffer.from([0x16, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff])],
    ['a message that ends within its fields', Buffer.from([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 3])],
  ];
  for (const [title, bytes] of others) {
    it(`is none: ${title}`, () => assert.equal(readClientHello(bytes), false));
  }

  it('with anything changed in it is read, refused or awaited, and never throws', async () => {
    const hello = await helloOf({ servername: 'fuzz.example', ALPNProtocols: ['http/1.1'] });
    fc.assert(
      fc.property(
        fc.nat(hello.length - 1),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(hello.length),
        (at, value, cut) => {
          const changed = Buffer.from(hello);
          changed[at] = value;
          readClientHello(changed.subarray(0, cut));
        },
      ),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        readClientHello(Buffer.concat([Buffer.from([0x16, 3, 1]), noise]));
      }),
    );
  });
});
