import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { classifyFirstBytes, isHttpRequest, readFirstBytes } from '../../src/proxy/first-bytes.ts';

/** Longer than any of these tests takes. */
const PATIENCE_MS = 60_000;

const REQUEST = 'GET /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n';

describe('first bytes', () => {
  it('are HTTP once the request line is whole, and undecided until then', () => {
    const line = REQUEST.indexOf('\n') + 1;
    for (let length = 0; length < REQUEST.length; length++) {
      const seen = isHttpRequest(Buffer.from(REQUEST.slice(0, length)));
      assert.equal(seen, length < line ? undefined : true, JSON.stringify(REQUEST.slice(0, length)));
    }
  });

  const others: [string, string | number[]][] = [
    ['a TLS ClientHello', [0x16, 0x03, 0x01, 0x02, 0x00]],
    ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['SMTP', 'EHLO mail.example\r\n'],
    ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['Redis', '*1\r\n$4\r\nPING\r\n'],
    ['lower case', 'get / HTTP/1.1\r\n'],
    ['an endless line', `GET /${'x'.repeat(70_000)}`],
    ['a control character', 'GET /\u0000 HTTP/1.1\r\n'.replace('/\u0000', '\u0000 ')],
  ];
  for (const [title, bytes] of others) {
    it(`of ${title} are not`, () => {
      assert.equal(isHttpRequest(typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes)), false);
    });
  }

  it('are told in linear time, whatever they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('A', ' ', '/', 'H', '\r'), maxLength: 2000 }), (text) => {
        assert.notEqual(isHttpRequest(Buffer.from(text)), true);
      }),
    );
  });

  it('are read until they tell, and all given back', async () => {
    const client = new PassThrough();
    const read = readFirstBytes(client, Buffer.from('GE'), { timeoutMs: PATIENCE_MS });
    client.write('T / HTTP/1.1\r\nHo');
    assert.deepEqual(await read, { kind: 'http', bytes: Buffer.from('GET / HTTP/1.1\r\nHo') });
    assert.equal(client.isPaused(), true);
  });

  it('of TLS are told from those of another protocol', () => {
    assert.equal(classifyFirstBytes(Buffer.from([0x16, 3, 1])), undefined);
    assert.equal(classifyFirstBytes(Buffer.from([0x16, 2, 1]))?.kind, 'other');
    assert.equal(classifyFirstBytes(Buffer.from('SSH-2.0-x\r\n'))?.kind, 'other');
  });

  it('are not awaited where the server speaks first, and what it said is not lost', async () => {
    const server = new PassThrough();
    server.write('220 mail.example\r\n');
    const reachServer = async () => server;
    const first = await readFirstBytes(new PassThrough(), Buffer.alloc(0), {
      timeoutMs: PATIENCE_MS,
      reachServer,
    });
    assert.equal(first.kind, 'other');
    assert.equal(String(server.read()), '220 mail.example\r\n');
  });

  it('that come late are still looked at, where the server is silent, too', async () => {
    const client = new PassThrough();
    const server = new PassThrough();
    const reached = Promise.withResolvers<void>();
    const reachServer = async () => {
      reached.resolve();
      return server;
    };
    const read = readFirstBytes(client, Buffer.alloc(0), { timeoutMs: PATIENCE_MS, reachServer });
    await reached.promise;
    client.write(REQUEST);
    assert.equal((await read).kind, 'http');
  });

  it('of a client that says nothing in time, or goes away, are nothing', async () => {
    const silent = await readFirstBytes(new PassThrough(), Buffer.from('GET'), { timeoutMs: 1 });
    assert.deepEqual(silent, { kind: 'nothing' });
    const leaving = new PassThrough();
    const read = readFirstBytes(leaving, Buffer.from('GET'), { timeoutMs: PATIENCE_MS });
    leaving.destroy();
    assert.deepEqual(await read, { kind: 'nothing' });
  });

  it('of a client that only listens are for the server to judge', async () => {
    const listening = new PassThrough();
    const read = readFirstBytes(listening, Buffer.from('GET'), { timeoutMs: PATIENCE_MS });
    listening.end();
    assert.deepEqual(await read, { kind: 'other', bytes: Buffer.from('GET') });
  });
});
