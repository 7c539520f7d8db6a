import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { findAllInCase, type Policy, ruleFromHit } from '../../src/cases/index.ts';
import { plain, response } from './rows/row.ts';
import { ByteSource } from './support/byte-source.ts';
import { Session } from './support/control-client.ts';
import { proxyCredentials } from './support/egress-call.ts';
import { field, readResponse } from './support/http-message.ts';
import { AUTHORITY_CERTIFICATE, Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, onlySpan, spansOf } from './support/recorded-spans.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { listenTls } from './support/tls-origin.ts';
import { type TlsStage, useTlsStage } from './support/tls-stage.ts';

const run = promisify(execFile);

let stage: TlsStage;
let origin: ScriptedOrigin;
let program: Program;
useTlsStage((set) => {
  stage = set;
  ({ origin, program } = set);
});

interface How {
  /** Where the CONNECT leads; undefined: TLS begins with the listener. */
  readonly authority?: string | undefined;
  /** Header lines of the CONNECT. */
  readonly lines?: readonly string[];
  /** What the client asks for in TLS, and what our certificate has to be for; '' asks for nothing. */
  readonly servername?: string;
  /** What our certificate has to be for where the client asks for nothing. */
  readonly host?: string;
}

/** A client that trusts the program's authority only, through a tunnel to the origin unless told otherwise. */
function connect(how: How = {}): Promise<RawClient> {
  const { authority = origin.authority, lines = [], servername = 'localhost', host = servername } = how;
  return RawClient.connectTls(program.egress, { authority, lines, ca: stage.ca, servername, host });
}

/** A client that begins TLS with the listener itself. */
function connectDirectly(servername: string): Promise<RawClient> {
  return RawClient.connectTls(program.egress, { ca: stage.ca, servername });
}

const get = (path: string, lines: readonly string[] = [], host = origin.authority) =>
  [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n');

describe('a call inside TLS is recorded', () => {
  test('with its https URL, as one plain HTTP would be', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    using client = await connect();
    const seen = origin.next(plain('secret'));
    await client.write(get('/in-tls?a=b', [`x-softprobe-session-id: ${session.id}`]));
    const answer = await client.readResponse();
    assert.deepEqual([answer.body.toString(), field(answer, 'x-softprobe-outcome')], ['secret', 'forward']);
    assert.equal(field(await seen, 'x-softprobe-session-id'), undefined);
    assert.match(field(await seen, 'traceparent') ?? '', /^00-/);
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'url.full'), `https://${origin.authority}/in-tls?a=b`);
    assert.equal(attribute(span, 'url.scheme'), 'https');
    assert.equal(attribute(span, 'url.host'), origin.authority);
    assert.equal(attribute(span, 'http.response.body'), 'secret');
  });

  test('of the session in its tracestate', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    using client = await connect();
    origin.next(plain('tied'));
    await client.write(get('/', [`tracestate: x-softprobe-session-id=${session.id}`]));
    await client.readResponse();
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'sp.session.attribution'), 'tracestate');
  });

  test('of the session that the credentials of the CONNECT name, which travel no further', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    using client = await connect({ lines: [proxyCredentials(session.id)] });
    for (const path of ['/one', '/two']) {
      const seen = origin.next(plain('tied'));
      await client.write(get(path));
      await client.readResponse();
      assert.equal(field(await seen, 'proxy-authorization'), undefined);
    }
    const spans = spansOf(await session.closeToCase());
    assert.deepEqual(
      spans.map((span) => [attribute(span, 'url.path'), attribute(span, 'sp.session.attribution')]),
      [
        ['/one', 'proxy-credential'],
        ['/two', 'proxy-credential'],
      ],
    );
  });

  test('of the only session, where the proxy falls back to that', async () => {
    await using sole = await Program.start('http://127.0.0.1:9', [
      ...stage.trusting,
      '--fallback-session',
      'sole',
    ]);
    const session = await Session.open(sole.control, { mode: 'capture' });
    using client = await RawClient.connectTls(sole.egress, {
      authority: origin.authority,
      ca: stage.ca,
      servername: 'localhost',
    });
    origin.next(plain('tied'));
    await client.write(get('/'));
    await client.readResponse();
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'sp.session.attribution'), 'sole-session');
  });

  test('and without a session passes untouched', async () => {
    using client = await connect();
    const seen = origin.next(plain('untouched'));
    await client.write(get('/', ['X-Kept: as it is']));
    assert.equal(field(await client.readResponse(), 'x-softprobe-outcome'), undefined);
    const { headers } = await seen;
    assert.deepEqual(headers.filter((_, i) => i % 2 === 0).sort(), ['X-Kept', 'connection', 'host']);
  });
});

test('a policy is not talked round by a Host that is not where the tunnel leads', async () => {
  const policy: Policy = { externalHttp: 'strict', internalHttp: 'strict', allowHosts: ['allowed.test'] };
  const session = await Session.open(program.control, { mode: 'replay', policy });
  const before = origin.seen.length;
  const ask = async (servername: string) => {
    using client = await connect({ servername });
    await client.write(get('/', [`x-softprobe-session-id: ${session.id}`], 'allowed.test'));
    return (await client.readResponse()).status;
  };
  assert.equal(await ask('localhost'), 599);
  // Here TLS asks for the name as well: the origin would have to prove that it is the one, and has no such name.
  assert.equal(await ask('allowed.test'), 502);
  assert.equal(origin.seen.length, before);
  await session.close();
});

test('what was recorded is replayed without its origin, byte for byte', async () => {
  await using gone = await listenTls(stage.authority);
  const recorded = Buffer.from([0, 255, 13, 10, 0x80, 1]);
  const capture = await Session.open(program.control, { mode: 'capture' });
  using first = await connect({ authority: gone.authority });
  gone.next(response(['HTTP/1.1 200 Fine', 'X-Twice: 1', 'x-twice: 2', 'Content-Length: 6'], recorded));
  await first.write(get('/bytes', [`x-softprobe-session-id: ${capture.id}`], gone.authority));
  const live = await first.readResponse();
  const document = await capture.closeToCase();
  await gone[Symbol.asyncDispose]();

  const replay = await Session.open(program.control, { mode: 'replay' });
  const [hit] = findAllInCase(document, { direction: 'outbound', path: '/bytes' });
  assert.ok(hit);
  await replay.setRules([ruleFromHit(hit)]);
  await replay.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
  using second = await connect({ authority: gone.authority, lines: [proxyCredentials(replay.id)] });
  await second.write(get('/bytes', [], gone.authority));
  const mocked = await second.readResponse();
  assert.deepEqual([mocked.status, mocked.body.compare(live.body)], [200, 0]);
  assert.equal(field(mocked, 'x-softprobe-outcome'), 'mock');
  await second.write(get('/other', [], gone.authority));
  const missed = await second.readResponse();
  assert.deepEqual([missed.status, field(missed, 'x-softprobe-outcome')], [599, 'strict-miss']);
  const { misses } = (await replay.misses()) as { misses: { url?: string }[] };
  assert.equal(misses.length, 1);
  await replay.close();
});

describe('TLS inside CONNECT', () => {
  test('gets a certificate for the name that the client asks for, as does the upstream', async () => {
    for (const servername of ['api.test', 'deep.api.test', 'other.test']) {
      using client = await connect({ servername });
      const seen = origin.next(plain('here'));
      await client.write(get('/', [], 'a.example'));
      assert.equal((await client.readResponse()).body.toString(), 'here');
      assert.equal(field(await seen, 'host'), 'a.example');
      assert.equal(origin.handshakes.at(-1)?.servername, servername);
    }
  });

  test('gets one for the host of the CONNECT where the client asks for nothing', async () => {
    for (const [authority, host] of [
      [origin.authority, '127.0.0.1'],
      [`LOCALHOST:${origin.port}`, 'localhost'],
    ] as const) {
      using client = await connect({ authority, servername: '', host });
      origin.next(plain(authority));
      await client.write(get('/'));
      assert.equal((await client.readResponse()).body.toString(), authority);
    }
  });

  test('gets one without the dot at the end of a name', async () => {
    using client = await connect({ authority: 'gone.invalid.:443', servername: '', host: 'gone.invalid' });
    await client.write(get('/', [], 'gone.invalid'));
    const answer = await client.readResponse();
    assert.deepEqual([answer.status, field(answer, 'x-softprobe-outcome')], [502, 'proxy-error']);
    assert.match(answer.body.toString(), /upstream_name_not_found/);
  });

  test('leads to an IPv6 address', async () => {
    await using six = await listenTls(stage.authority, {}, '::1');
    using client = await connect({ authority: six.authority, servername: '', host: '::1' });
    const seen = six.next(plain('six'));
    await client.write(get('/', [], six.authority));
    assert.equal((await client.readResponse()).body.toString(), 'six');
    assert.equal(field(await seen, 'host'), six.authority);
  });

  test('is known by the Host that its requests name, and by the tunnel where they name none', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    await session.setRules([
      { when: { host: 'gone.invalid' }, then: { action: 'mock', response: { body: 'mock' } } },
    ]);
    const how = {
      authority: 'Gone.Invalid:443',
      servername: 'gone.invalid',
      lines: [proxyCredentials(session.id)],
    };
    using client = await connect(how);
    for (const host of ['gone.invalid', 'gone.invalid:443']) {
      await client.write(get('/', [], host));
      assert.equal((await client.readResponse()).body.toString(), 'mock', host);
    }
    using old = await connect(how);
    await old.write('GET / HTTP/1.0\r\n\r\n');
    assert.equal((await old.readResponse()).body.toString(), 'mock');
    const hosts = spansOf(await session.closeToCase()).map((span) => attribute(span, 'url.host'));
    assert.deepEqual(hosts, ['gone.invalid', 'gone.invalid:443', 'Gone.Invalid']);
  });

  test('may come byte by byte', async () => {
    using tunnel = await RawClient.connectThrough(program.egress, origin.authority);
    const secure = connectTls({ socket: byteByByte(tunnel.socket), ca: stage.ca, servername: 'localhost' });
    await once(secure, 'secureConnect');
    origin.next(plain('patience'));
    secure.write(get('/'));
    assert.equal((await readResponse(new ByteSource(secure), 'GET')).body.toString(), 'patience');
  });

  test('of a client that offers HTTP/2 as well speaks HTTP/1.1', async () => {
    using client = await RawClient.connectTls(program.egress, {
      authority: origin.authority,
      ca: stage.ca,
      servername: 'localhost',
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    assert.ok(client.socket instanceof TLSSocket);
    assert.equal(client.socket.alpnProtocol, 'http/1.1');
    origin.next(plain('one'));
    await client.write(get('/'));
    assert.equal((await client.readResponse()).body.toString(), 'one');
  });
});

describe('TLS that begins with the listener', () => {
  test('goes to the host that it asks for, at the port of the Host field', async () => {
    using client = await connectDirectly('localhost');
    const seen = origin.next(plain('redirected'));
    const host = `localhost:${origin.port}`;
    await client.write(get('/', [], host));
    assert.equal((await client.readResponse()).body.toString(), 'redirected');
    assert.equal(field(await seen, 'host'), host);
  });

  test('is at the port of https without one', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    await session.setRules([
      { when: { host: 'gone.invalid' }, then: { action: 'mock', response: { body: 'mock' } } },
    ]);
    using client = await connectDirectly('gone.invalid');
    await client.write(get('/', [`x-softprobe-session-id: ${session.id}`], 'gone.invalid'));
    assert.equal((await client.readResponse()).body.toString(), 'mock');
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'url.full'), 'https://gone.invalid/');
  });

  test('is how clients reach their proxy by https: absolute URLs and tunnels inside it', async () => {
    const { port } = new URL(program.egress);
    const options = ['-sS', '--proxy', `https://localhost:${port}`, '--proxy-cacert', AUTHORITY_CERTIFICATE];
    const session = await Session.open(program.control, { mode: 'capture' });
    const tied = ['-H', `x-softprobe-session-id: ${session.id}`, '--cacert', AUTHORITY_CERTIFICATE];
    origin.next(plain('TLS in TLS'));
    const inside = await run('curl', [...options, ...tied, `https://localhost:${origin.port}/inside`]);
    assert.equal(inside.stdout, 'TLS in TLS');
    await session.setRules([
      { when: { host: 'gone.invalid' }, then: { action: 'mock', response: { body: 'M' } } },
    ]);
    const absolute = await run('curl', [...options, ...tied, 'http://gone.invalid/absolute']);
    assert.equal(absolute.stdout, 'M');
    const urls = spansOf(await session.closeToCase()).map((span) => attribute(span, 'url.full'));
    assert.deepEqual(urls, [`https://localhost:${origin.port}/inside`, 'http://gone.invalid/absolute']);
  });

  test('without a name, and with the listener as Host, has no target', async () => {
    using client = await RawClient.connectTls(program.egress, {
      ca: stage.ca,
      servername: '',
      host: '127.0.0.1',
    });
    await client.write(get('/', [], new URL(program.egress).host));
    const answer = await client.readResponse();
    assert.equal(field(answer, 'x-softprobe-outcome'), 'proxy-error');
    assert.equal(answer.status, 508);
  });
});

describe('our certificate', () => {
  const hosts = ['api.test', '127.0.0.1', `${'a'.repeat(60)}.${'b'.repeat(60)}.test`];
  for (const version of ['-tls1_2', '-tls1_3']) {
    for (const host of hosts) {
      test(`is taken by OpenSSL: ${host.slice(0, 20)} ${version}`, async () => {
        const isName = /[a-z]/.test(host);
        const { stdout } = await run('bash', [
          '-c',
          'openssl s_client "$@" </dev/null 2>&1',
          'openssl',
          ...['-proxy', new URL(program.egress).host, '-connect', `${host}:443`, version],
          ...['-CAfile', AUTHORITY_CERTIFICATE, '-verify_return_error', '-x509_strict'],
          ...(isName
            ? ['-servername', host, '-verify_hostname', host]
            : ['-noservername', '-verify_ip', host]),
        ]);
        assert.match(stdout, /Server certificate.*Verification: OK/s);
      });
    }
  }

  test('is one, also for a hundred clients that come at once for a new host', async () => {
    const clients = await Promise.all(
      Array.from({ length: 100 }, () => connect({ servername: 'new.api.test' })),
    );
    const serials = clients.map(({ socket }) => {
      assert.ok(socket instanceof TLSSocket);
      return socket.getPeerCertificate().serialNumber;
    });
    for (const client of clients) client[Symbol.dispose]();
    assert.equal(new Set(serials).size, 1);
  });
});

/** The same connection, on which each byte is written by itself. */
function byteByByte(socket: Socket): Duplex {
  socket.removeAllListeners('readable');
  const duplex = new Duplex({
    read: () => {},
    write(chunk: Buffer, _encoding, callback) {
      const writeFrom = (at: number) => {
        if (at === chunk.length) callback();
        else socket.write(chunk.subarray(at, at + 1), () => setImmediate(writeFrom, at + 1));
      };
      writeFrom(0);
    },
  });
  socket.on('data', (chunk) => duplex.push(chunk));
  socket.on('end', () => duplex.push(null));
  return duplex;
}
