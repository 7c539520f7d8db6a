import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { before, describe, test } from 'node:test';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { type Connector, createConnector } from '../../src/proxy/connector.ts';
import { describeUpstreamFailure, ProxyError } from '../../src/proxy/errors.ts';
import type { UpstreamTlsOptions } from '../../src/proxy/options.ts';
import { OwnListeners } from '../../src/proxy/own-listeners.ts';
import type { Handshake, ScriptedOrigin } from '../e2e/support/scripted-origin.ts';
import { selfSigned, TestAuthority, withoutChain } from '../e2e/support/test-authority.ts';
import { listenTls } from '../e2e/support/tls-origin.ts';

let authority: TestAuthority;
before(async () => {
  authority = await TestAuthority.create('Our CA');
});

/** A connector that trusts the tests' authority, with a time-out that no test waits for. */
function trusting(options: UpstreamTlsOptions = {}, own = new OwnListeners(), timeoutMs = 10_000): Connector {
  return createConnector(timeoutMs, own, { ca: [authority.certificate], ...options });
}

/** Connects to a port of this machine. @throws what the connector says */
function open(
  connect: Connector,
  port: number,
  servername?: string,
  hostname = '127.0.0.1',
): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const options = { hostname, port: String(port), protocol: 'https:' };
  connect(servername === undefined ? options : { ...options, servername }, (error, socket) => {
    if (error === null) resolve(socket as TLSSocket);
    else reject(error);
  });
  return promise;
}

/** The failure of a connection that does not come about. */
async function failure(connecting: Promise<Socket>): Promise<ProxyError> {
  const outcome = await connecting.catch((error: unknown) => error);
  if (outcome instanceof ProxyError) return outcome;
  if (outcome instanceof Error) throw outcome;
  throw new Error('expected no connection, got one');
}

/** The handshake, as the origin saw it, of a connection that comes about. */
async function handshake(connecting: Promise<Socket>, origin: ScriptedOrigin): Promise<Handshake> {
  const socket = await connecting;
  // TLS 1.3 sends the ticket behind the handshake: once there is an answer, it has come.
  const seen = origin.next(Buffer.from('HTTP/1.1 204 No Content\r\n\r\n'));
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await once(socket, 'data');
  await seen;
  socket.destroy();
  const last = origin.handshakes.at(-1);
  if (last === undefined) throw new Error('the origin saw no handshake');
  return last;
}

describe('a certificate', () => {
  const refused: readonly [
    name: string,
    serve: () => Promise<TlsOptions>,
    code: string,
    type: string,
    message: RegExp,
  ][] = [
    [
      'that has expired',
      () => authority.expired(),
      'upstream_certificate_expired',
      'certificate-expired',
      /^the certificate of 127\.0\.0\.1:\d+ expired on \d{4}-\d\d-\d\dT.*clock.*--insecure-upstream 127\.0\.0\.1$/,
    ],
    [
      'that is not valid yet',
      () => authority.notYetValid(),
      'upstream_certificate_expired',
      'certificate-expired',
      /is only valid from \d{4}-\d\d-\d\dT.*clock.*--insecure-upstream/,
    ],
    [
      'whose issuer has expired',
      async () => (await authority.intermediate('Old CA', { from: -9, to: -1 })).server(),
      'upstream_certificate_expired',
      'certificate-expired',
      /was issued by CN=Old CA, whose certificate expired on/,
    ],
    [
      'that nobody has signed',
      () => selfSigned(),
      'upstream_certificate_untrusted',
      'certificate-untrusted',
      /is self-signed and not trusted; give it to --upstream-ca FILE, or .*--insecure-upstream 127\.0\.0\.1$/,
    ],
    [
      'of an unknown authority',
      async () => (await TestAuthority.create('Their CA')).server(),
      'upstream_certificate_untrusted',
      'certificate-untrusted',
      /the issuer, CN=Their CA, is unknown, and the server sent no other certificate .*--upstream-ca FILE/,
    ],
    [
      'of an unknown authority that is sent along',
      async () => {
        const theirs = await TestAuthority.create('Their CA');
        const { cert, key } = await theirs.server();
        return { cert: cert + theirs.certificate, key };
      },
      'upstream_certificate_untrusted',
      'certificate-untrusted',
      /comes from an authority that is not trusted, CN=Their CA; .*--upstream-ca FILE/,
    ],
    [
      'without the rest of its chain',
      async () => withoutChain(await (await authority.intermediate('Our issuing CA')).server()),
      'upstream_certificate_untrusted',
      'certificate-untrusted',
      /the issuer, CN=Our issuing CA, is unknown, .*incomplete chain/,
    ],
    [
      'for other names',
      () => authority.server(['web.test', '*.stage.test', '10.0.0.1']),
      'upstream_certificate_wrong_host',
      'certificate-wrong-host',
      /is for web\.test, \*\.stage\.test, 10\.0\.0\.1, expected 127\.0\.0\.1; .*--insecure-upstream 127\.0\.0\.1$/,
    ],
    [
      'for very many other names',
      () => authority.server(Array.from({ length: 300 }, (_, index) => `n${index}.test`)),
      'upstream_certificate_wrong_host',
      'certificate-wrong-host',
      /is for n0\.test,.* n7\.test and 292 more, expected/,
    ],
  ];

  for (const [name, serve, code, type, message] of refused) {
    test(`${name} is told as what it is`, async () => {
      await using origin = await listenTls(authority, await serve());
      const error = await failure(open(trusting(), origin.port));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.deepEqual([error.status, error.side, error.type], [502, 'upstream', type]);
    });

    test(`${name} is accepted from a host that is named as insecure, and only from it`, async () => {
      await using origin = await listenTls(authority, await serve());
      const connect = trusting({ insecureHosts: ['127.0.0.1'] });
      await handshake(open(connect, origin.port), origin);
      assert.match((await failure(open(connect, origin.port, 'api.other'))).code, /^upstream_certificate_/);
    });
  }

  test('with its chain is good', async () => {
    await using origin = await listenTls(authority, await (await authority.intermediate()).server());
    await handshake(open(trusting(), origin.port), origin);
  });

  test('is good when its issuer is trusted that is no root', async () => {
    const theirs = await (await TestAuthority.create('Their CA')).intermediate();
    await using origin = await listenTls(authority, withoutChain(await theirs.server()));
    await handshake(open(trusting({ ca: [theirs.certificate] }), origin.port), origin);
  });

  test('is good when its authority is one of several in a file, between comments', async () => {
    const others = await Promise.all(['one', 'two'].map((name) => TestAuthority.create(name)));
    const bundle = `# Ours\n${others[0]?.certificate}\n# and more\n${authority.certificate}${others[1]?.certificate}`;
    await using origin = await listenTls(authority);
    await handshake(open(createConnector(10_000, new OwnListeners(), { ca: [bundle] }), origin.port), origin);
  });

  test('of our authority is not trusted unless we are told to', async () => {
    await using origin = await listenTls(authority);
    const connect = createConnector(10_000, new OwnListeners());
    assert.equal((await failure(open(connect, origin.port))).code, 'upstream_certificate_untrusted');
  });
});

describe('the name that TLS asks for', () => {
  const cases: readonly [hostname: string, servername: string | undefined, sent: string][] = [
    ['localhost', undefined, 'localhost'],
    ['127.0.0.1', undefined, ''],
    ['127.0.0.1', 'api.test', 'api.test'],
    ['127.0.0.1', 'api.test.', 'api.test'],
    ['localhost', 'api.test', 'api.test'],
    ['localhost', '', ''],
    ['localhost', '127.0.0.1', ''],
  ];
  for (const [hostname, servername, sent] of cases) {
    test(`is ${JSON.stringify(sent)} for ${hostname} and the server name ${JSON.stringify(servername)}`, async () => {
      await using origin = await listenTls(authority);
      const seen = await handshake(open(trusting(), origin.port, servername, hostname), origin);
      assert.equal(seen.servername, sent);
    });
  }

  test('is the name that the certificate has to be for', async () => {
    await using origin = await listenTls(authority, await authority.server(['127.0.0.1', 'localhost']));
    const error = await failure(open(trusting(), origin.port, 'api.test'));
    assert.match(
      error.message,
      /is for 127\.0\.0\.1, localhost, expected api\.test;.*--insecure-upstream api\.test$/,
    );
    await handshake(open(trusting(), origin.port, '', 'localhost'), origin);
  });

  test('does not make a session good for another name', async () => {
    await using origin = await listenTls(authority, await authority.server(['api.test']));
    const connect = trusting();
    await handshake(open(connect, origin.port, 'api.test'), origin);
    const error = await failure(open(connect, origin.port, 'other.test'));
    assert.equal(error.code, 'upstream_certificate_wrong_host');
  });
});

describe('TLS', () => {
  test('offers HTTP/1.1', async () => {
    await using origin = await listenTls(authority, { ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal((await handshake(open(trusting(), origin.port), origin)).alpn, 'http/1.1');
  });

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`is resumed after a connection has ended: ${version}`, async () => {
      await using origin = await listenTls(authority, { maxVersion: version });
      const connect = trusting();
      const seen = [
        await handshake(open(connect, origin.port), origin),
        await handshake(open(connect, origin.port), origin),
      ];
      assert.deepEqual(
        seen.map(({ version, isResumed }) => ({ version, isResumed })),
        [
          { version, isResumed: false },
          { version, isResumed: true },
        ],
      );
    });
  }

  const broken: readonly [name: string, options: TlsOptions, message: RegExp][] = [
    [
      'no version in common',
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      /no version of TLS in common/,
    ],
    [
      'no cipher in common',
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
      /no ciphers in common/,
    ],
    ['no protocol in common', { ALPNProtocols: ['h2'] }, /does not speak HTTP\/1\.1/],
  ];
  for (const [name, options, message] of broken) {
    test(`with ${name} is told as that`, async () => {
      await using origin = await listenTls(authority, options);
      expectTlsFailure(await failure(open(trusting(), origin.port)), message);
    });
  }

  const strangers: readonly [name: string, answer: (socket: Socket) => void, message: RegExp][] = [
    [
      'plain HTTP',
      (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /^TLS with (127\.0\.0\.1:\d+) failed: it does not speak TLS at this port; is it http:\/\/\1\?$/,
    ],
    ['SSH', (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'), /does not speak TLS/],
    ['its own hello', (socket) => void socket.pipe(socket), /does not speak TLS/],
    [
      'nothing',
      (socket) => void socket.once('data', () => socket.end()),
      /closed the connection during the TLS/,
    ],
    [
      'a reset',
      (socket) => void socket.once('data', () => socket.resetAndDestroy()),
      /closed the connection during the TLS/,
    ],
  ];
  for (const [name, answer, message] of strangers) {
    test(`that is answered by ${name} is told as that`, async () => {
      await using stranger = await listenPlainly(answer);
      expectTlsFailure(await failure(open(trusting(), stranger.port)), message);
    });
  }

  test('that is not answered at all ends with the time-out for connections', async () => {
    await using silent = await listenPlainly(() => {});
    const error = await failure(open(trusting({}, new OwnListeners(), 50), silent.port));
    assert.equal(error.code, 'upstream_connect_timeout');
    assert.match(error.message, /accepted the connection, but TLS did not stand within 50 ms/);
  });

  test('is not begun with a listener of our own', async () => {
    await using origin = await listenPlainly(() => assert.fail('bytes came'), { waitsForBytes: true });
    const own = new OwnListeners();
    own.add(origin.server);
    assert.equal((await failure(open(trusting({}, own), origin.port))).code, 'loop_detected');
  });
});

describe('a client certificate', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const demanding = (): TlsOptions => ({
      requestCert: true,
      ca: authority.certificate,
      maxVersion: version,
    });

    test(`is shown to its host: ${version}`, async () => {
      await using origin = await listenTls(authority, demanding());
      const { cert, key } = await authority.client('tester');
      const connect = trusting({ clientCertificates: [{ host: '127.0.0.1', cert, key }] });
      assert.equal((await handshake(open(connect, origin.port), origin)).clientName, 'tester');
    });

    test(`is not shown to another host, which says that it wants one: ${version}`, async () => {
      await using origin = await listenTls(authority, demanding());
      const { cert, key } = await authority.client('tester');
      const connect = trusting({ clientCertificates: [{ host: 'api.test', cert, key }] });
      const error = await refusal(open(connect, origin.port), origin);
      expectTlsFailure(
        error,
        /asks for a client certificate and got none.*--upstream-cert 127\.0\.0\.1=CERT\.pem,KEY\.pem$/,
      );
    });
  }

  test('is the one for the longest name that matches', async () => {
    await using origin = await listenTls(authority, {
      requestCert: true,
      rejectUnauthorized: false,
      ca: authority.certificate,
    });
    const hosts = ['test', '*.api.test', '.test'];
    const clientCertificates = await Promise.all(
      hosts.map(async (host) => ({ host, ...(await authority.client(`for ${host}`)) })),
    );
    const connect = trusting({ clientCertificates });
    const shown = async (servername: string) =>
      (await handshake(open(connect, origin.port, servername), origin)).clientName;
    assert.equal(await shown('api.test'), 'for *.api.test');
    assert.equal(await shown('other.test'), 'for test');
    assert.equal(await shown(''), undefined);
  });
});

/** TLS 1.3 refuses a client when its handshake is over for the client: with the first that it reads. */
async function refusal(connecting: Promise<TLSSocket>, origin: ScriptedOrigin): Promise<ProxyError> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  connecting.then((socket) => socket.on('error', resolve), resolve);
  return describeUpstreamFailure(await promise, origin.authority);
}

function expectTlsFailure(error: ProxyError, message: RegExp) {
  assert.equal(error.code, 'upstream_tls', error.message);
  assert.match(error.message, message);
  assert.deepEqual([error.status, error.side, error.type], [502, 'upstream', 'tls']);
}

interface PlainServer extends AsyncDisposable {
  readonly port: number;
  readonly server: ReturnType<typeof createServer>;
}

/** A server that speaks no TLS. @param answer plays each connection, at once or when it has sent something */
async function listenPlainly(
  answer: (socket: Socket) => void,
  { waitsForBytes = false } = {},
): Promise<PlainServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    if (waitsForBytes) socket.once('data', () => answer(socket));
    else answer(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { server, port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: close };
}
