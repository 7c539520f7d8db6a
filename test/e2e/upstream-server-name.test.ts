import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { plain } from './rows/row.ts';
import { ByteSource } from './support/byte-source.ts';
import { type Response, readResponse } from './support/http-message.ts';
import { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { PemFolder, TestAuthority } from './support/test-authority.ts';
import { listenTls } from './support/tls-origin.ts';

let folder: PemFolder;
let authority: TestAuthority;
let origin: ScriptedOrigin;
let program: Program;
/** PEM of the program's own authority. */
let trusted: string;
before(async () => {
  folder = await PemFolder.create();
  authority = await TestAuthority.create();
  origin = await listenTls(authority);
  const upstreamCa = await folder.write('upstream-ca.pem', authority.certificate);
  program = await Program.start('http://127.0.0.1:9', ['--ca-dir', folder.path, '--upstream-ca', upstreamCa]);
  trusted = await readFile(join(folder.path, 'ca', 'certificate.pem'), 'utf8');
});
after(async () => {
  await program[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe('the name that an intercepted client asks for', () => {
  const cases: readonly [host: string, servername: string][] = [
    ['127.0.0.1', 'api.test'],
    ['127.0.0.1', ''],
    ['localhost', 'localhost'],
    ['localhost', 'other.test'],
    ['localhost', ''],
  ];
  for (const [host, servername] of cases) {
    test(`is asked of the upstream: ${JSON.stringify(servername)} at ${host}`, async () => {
      const before = origin.handshakes.length;
      using client = await intercept(`${host}:${origin.port}`, servername);
      for (const name of ['one.example', 'two.example']) {
        const seen = origin.next(plain('secret'));
        assert.equal((await client.get('/', name)).body.toString(), 'secret');
        await seen;
      }
      assert.deepEqual(
        origin.handshakes.slice(before).map((handshake) => handshake.servername),
        [servername],
        'one connection, whatever the Host',
      );
    });
  }

  test('is the one that the certificate has to be for', async () => {
    await using narrow = await listenTls(authority, await authority.server(['127.0.0.1']));
    using client = await intercept(`127.0.0.1:${narrow.port}`, 'api.test');
    const answer = await client.get('/', 'api.test');
    assert.equal(answer.status, 502);
    assert.match(
      answer.body.toString(),
      /upstream_certificate_wrong_host.*is for 127\.0\.0\.1, expected api\.test/,
    );
  });

  test('does not share a connection with another name', async () => {
    await using strict = await listenTls(authority, await authority.server(['api.test']));
    using good = await intercept(`127.0.0.1:${strict.port}`, 'api.test');
    strict.next(plain('secret'));
    assert.equal((await good.get('/', 'api.test')).body.toString(), 'secret');
    using bad = await intercept(`127.0.0.1:${strict.port}`, 'other.test');
    assert.equal((await bad.get('/', 'api.test')).status, 502);
  });
});

interface InterceptedClient extends Disposable {
  get(path: string, host: string): Promise<Response>;
}

/** Opens a tunnel and TLS in it, in which it trusts the program's authority only. */
async function intercept(authority: string, servername: string): Promise<InterceptedClient> {
  const client = await RawClient.connect(program.egress);
  await client.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  assert.equal((await client.readResponse('CONNECT')).status, 200);
  client.socket.removeAllListeners('readable');
  const name = authority.replace(/:\d+$/, '');
  const secure: TLSSocket = connect({
    socket: client.socket,
    ca: trusted,
    host: name,
    ...(servername !== '' && { servername }),
  });
  await once(secure, 'secureConnect');
  const source = new ByteSource(secure);
  return {
    async get(path, host) {
      secure.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      return await readResponse(source, 'GET');
    },
    [Symbol.dispose]: () => {
      secure.destroy();
      client[Symbol.dispose]();
    },
  };
}
