import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2, createSecureServer, type Http2SecureServer } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { plain } from './rows/row.ts';
import { ByteSource } from './support/byte-source.ts';
import { Session } from './support/control-client.ts';
import { BLIND_BYTES, proxyCredentials } from './support/egress-call.ts';
import { field } from './support/http-message.ts';
import { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { type TlsStage, useTlsStage } from './support/tls-stage.ts';

let stage: TlsStage;
let origin: ScriptedOrigin;
let program: Program;
useTlsStage(
  (set) => {
    stage = set;
    ({ origin, program } = set);
  },
  ['--tls-passthrough', 'localhost', 'passing.test'],
);

/** Organisation in the certificate that a client is shown: ours has one, the origin's has none. */
function issuerSeenBy({ socket }: RawClient): string {
  assert.ok(socket instanceof TLSSocket);
  return String(socket.getPeerCertificate().issuer.CN);
}

const get = (host: string) => `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;

describe('a host of --tls-passthrough', () => {
  const connect = (authority: string, servername: string, lines: readonly string[] = []) =>
    RawClient.connectTls(program.egress, {
      authority,
      lines,
      servername,
      ca: [stage.authority.certificate, stage.ca],
    });

  test('shows its own certificate, and answers untouched', async () => {
    const authority = `localhost:${origin.port}`;
    using client = await connect(authority, 'localhost');
    assert.equal(issuerSeenBy(client), 'Test CA');
    origin.next(plain('own'));
    await client.write(get(authority));
    assert.equal((await client.readResponse()).body.toString(), 'own');
  });

  test('is what a CONNECT leads to, or what TLS inside it asks for', async () => {
    using passing = await connect(`LocalHost:${origin.port}`, 'api.test');
    assert.equal(issuerSeenBy(passing), 'Test CA');
    using other = await connect(`127.0.0.1:${origin.port}`, 'api.test');
    assert.notEqual(issuerSeenBy(other), 'Test CA');
    await assert.rejects(connect(`127.0.0.1:${origin.port}`, 'deep.passing.test'), /passing\.test/);
    using unlike = await connect(`127.0.0.1:${origin.port}`, 'notpassing.test');
    assert.notEqual(issuerSeenBy(unlike), 'Test CA');
  });

  test('is one recorded exchange of the session: what passed, and for how long', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    const authority = `localhost:${origin.port}`;
    const client = await connect(authority, 'localhost', [proxyCredentials(session.id)]);
    origin.next(plain('x'.repeat(10_000)));
    await client.write(get(authority));
    await client.readResponse();
    client.halfClose();
    await client.source.rest();
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'http.request.method'), 'CONNECT');
    assert.equal(attribute(span, 'url.host'), authority);
    assert.equal(attribute(span, 'http.response.status_code'), 200);
    assert.equal(attribute(span, 'http.request.body'), undefined);
    assert.equal(attribute(span, 'http.response.body'), undefined);
    assert.equal(attribute(span, 'error.type'), undefined);
    assert.ok(Number(attribute(span, 'http.request.body.size')) > 500);
    assert.ok(Number(attribute(span, 'http.response.body.size')) > 10_000);
    assert.ok(BigInt(span.endTimeUnixNano ?? 0) > BigInt(span.startTimeUnixNano ?? 0));
  });

  test('is in the case with what had passed when its session was closed', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    const authority = `localhost:${origin.port}`;
    using client = await connect(authority, 'localhost', [proxyCredentials(session.id)]);
    origin.next(plain('x'.repeat(10_000)));
    await client.write(get(authority));
    await client.readResponse();
    const span = onlySpan(await session.closeToCase());
    assert.ok(Number(attribute(span, 'http.response.body.size')) > 10_000);
  });

  test('is kept from a session by its policy: a 599 for the CONNECT', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    await session.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
    using client = await RawClient.connect(program.egress);
    const authority = `localhost:${origin.port}`;
    await client.write(
      `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${proxyCredentials(session.id)}\r\n\r\n`,
    );
    const answer = await client.readResponse();
    assert.deepEqual([answer.status, field(answer, 'x-softprobe-outcome')], [599, 'strict-miss']);
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'http.response.status_code'), 599);
  });
});

describe('--no-intercept', () => {
  let blind: Program;
  before(async () => {
    blind = await Program.start('http://127.0.0.1:9', ['--no-intercept']);
  });
  after(async () => await blind[Symbol.asyncDispose]());

  test('lets all TLS pass', async () => {
    using client = await RawClient.connectTls(blind.egress, {
      authority: origin.authority,
      ca: stage.authority.certificate,
      servername: 'api.test',
    });
    assert.equal(issuerSeenBy(client), 'Test CA');
    origin.next(plain('own'));
    await client.write(get('api.test'));
    assert.equal((await client.readResponse()).body.toString(), 'own');
  });

  test('still serves plain HTTP inside CONNECT', async () => {
    const session = await Session.open(blind.control, { mode: 'capture' });
    await session.setRules([
      { when: { host: 'gone.invalid' }, then: { action: 'mock', response: { body: 'mock' } } },
    ]);
    using client = await RawClient.connectThrough(blind.egress, 'gone.invalid:80', [
      proxyCredentials(session.id),
    ]);
    await client.write(get('gone.invalid'));
    assert.equal((await client.readResponse()).body.toString(), 'mock');
    await session.close();
  });

  test('is no reason to let TLS of a session out: a strict miss, by the end of the connection', async () => {
    const session = await Session.open(blind.control, { mode: 'capture' });
    await session.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
    const before = origin.connections;
    await assert.rejects(
      RawClient.connectTls(blind.egress, {
        authority: origin.authority,
        lines: [proxyCredentials(session.id)],
        ca: stage.authority.certificate,
        servername: 'api.test',
      }),
    );
    assert.equal(origin.connections, before);
    const { strictMisses } = await session.stats();
    assert.equal(strictMisses, 1);
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'http.request.method'), 'CONNECT');
  });

  test('refuses TLS that begins with the listener', async () => {
    await assert.rejects(
      RawClient.connectTls(blind.egress, { ca: stage.authority.certificate, servername: 'api.test' }),
    );
  });
});

describe('a client that speaks HTTP/2 only', () => {
  let server: Http2SecureServer;
  before(async () => {
    server = createSecureServer(await stage.authority.server());
    server.on('stream', (stream) => {
      stream.respond({ ':status': 200 });
      stream.end('two');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  after(() => server.close());

  test('passes untouched', async () => {
    const authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    using tunnel = await RawClient.connectThrough(program.egress, authority);
    tunnel.socket.removeAllListeners('readable');
    const secure = connectTls({
      socket: tunnel.socket,
      ca: stage.authority.certificate,
      servername: 'api.test',
      ALPNProtocols: ['h2'],
    });
    const client = connectHttp2(`https://${authority}`, { createConnection: () => secure });
    const stream = client.request({ ':path': '/' });
    stream.setEncoding('utf8');
    let body = '';
    for await (const text of stream) body += text;
    assert.equal(body, 'two');
    client.close();
    await once(client, 'close');
  });
});

describe('anything else inside CONNECT', () => {
  let server: Server;
  let authority: string;
  let accepted: PromiseWithResolvers<Socket>;
  before(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => accepted.resolve(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    authority = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  for (const [name, first] of [
    ['SSH', 'SSH-2.0-OpenSSH_9.6\r\n'],
    ['Redis', '*1\r\n$4\r\nPING\r\n'],
    ['PostgreSQL that asks for TLS', '\0\0\0\x08\x04\xd2\x16/'],
    ['HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['almost TLS', '\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00'],
  ] as const) {
    test(`passes untouched, and is recorded as one exchange: ${name}`, async () => {
      accepted = Promise.withResolvers<Socket>();
      const session = await Session.open(program.control, { mode: 'capture' });
      using client = await RawClient.connectThrough(program.egress, authority, [
        proxyCredentials(session.id),
      ]);
      await client.write(first);
      client.halfClose();
      const far = await accepted.promise;
      assert.deepEqual(await new ByteSource(far).rest(), {
        bytes: Buffer.from(first, 'latin1'),
        ending: 'end',
      });
      far.end('answer');
      assert.equal((await client.source.rest()).bytes.toString(), 'answer');
      const span = onlySpan(await session.closeToCase());
      assert.equal(attribute(span, 'http.response.status_code'), 200);
      assert.equal(attribute(span, 'http.request.body.size'), first.length);
      assert.equal(attribute(span, 'http.response.body.size'), 6);
      assert.equal(attribute(span, 'error.type'), undefined);
    });
  }

  test('is recorded as failed where its far end breaks', async () => {
    accepted = Promise.withResolvers<Socket>();
    const session = await Session.open(program.control, { mode: 'capture' });
    using client = await RawClient.connectThrough(program.egress, authority, [proxyCredentials(session.id)]);
    await client.write(BLIND_BYTES);
    const far = await accepted.promise;
    far.resetAndDestroy();
    assert.equal(await client.source.ending(), 'reset');
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'error.type'), 'ECONNRESET');
  });

  test('is recorded as failed where its far end cannot be reached', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    using client = await RawClient.connectThrough(program.egress, 'gone.invalid:25', [
      proxyCredentials(session.id),
    ]);
    await client.write(BLIND_BYTES);
    await client.source.ending();
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'sp.outcome'), 'proxy-error');
    assert.match(String(attribute(span, 'error.type')), /^ENOTFOUND$|^EAI_/);
  });
});
