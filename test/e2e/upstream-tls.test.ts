import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { rows } from './rows/index.ts';
import { chunked, plain, request } from './rows/row.ts';
import { Dependency } from './support/dependency.ts';
import { field, type Response } from './support/http-message.ts';
import { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import {
  expectRequestKept,
  expectResponseKept,
  openRoute,
  type Route,
  renderRequest,
  send,
  type Way,
  ways,
} from './support/route.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { PemFolder, selfSigned, TestAuthority, withoutChain } from './support/test-authority.ts';
import { listenTls } from './support/tls-origin.ts';

/** What is listening, and what the program was told about it. */
let authority: TestAuthority;
let folder: PemFolder;
let origin: ScriptedOrigin;
/** Its certificate is nobody's, and `localhost` is named as insecure: it is, as `localhost` only. */
let homemade: ScriptedOrigin;
/** Wants a client certificate, and the program has one for `localhost`. */
let demanding: ScriptedOrigin;
let flags: readonly string[];
let program: Program;

before(async () => {
  authority = await TestAuthority.create();
  folder = await PemFolder.create();
  origin = await listenTls(authority);
  homemade = await listenTls(authority, await selfSigned());
  demanding = await listenTls(authority, { requestCert: true, ca: authority.certificate });
  const client = await authority.client('the proxy');
  const others = await TestAuthority.create('Some other CA');
  const bundle = await folder.write(
    'ca.pem',
    '# ours, and one more\n',
    others.certificate,
    authority.certificate,
  );
  const cert = await folder.write('client.pem', client.cert);
  const key = await folder.write('client.key', client.key);
  flags = [
    '--no-intercept',
    ...['--upstream-ca', bundle],
    ...['--insecure-upstream', `localhost:${homemade.port}`],
    ...['--upstream-cert', `localhost=${cert},${key}`],
  ];
  program = await Program.start(origin.url, flags);
});
beforeEach(() => {
  for (const each of [origin, homemade, demanding]) each.clear();
});
after(async () => {
  await program[Symbol.asyncDispose]();
  for (const each of [origin, homemade, demanding]) await each[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

for (const way of ways) {
  describe(`an upstream that speaks TLS: ${way.name}`, () => {
    let route: Route;
    before(async () => {
      route = await openRoute(program, way);
    });

    for (const row of rows) {
      test(`passes unchanged: ${row.name}`, async () => {
        const seen = origin.next(row.response);
        const received = await send(row, route, origin);
        await expectResponseKept(received, row, route);
        await expectRequestKept(await seen, row, route, origin);
      });
    }
  });
}

/** The one goes by undici, the other by node:http's client. */
const requests = [
  request('GET', '/'),
  request('POST', '/', ['Transfer-Encoding: chunked'], chunked(['body'])),
];

interface Refused {
  readonly name: string;
  readonly serve: () => Promise<TlsOptions>;
  readonly code: string;
  readonly type: string;
  readonly message: RegExp;
}

const refused: readonly Refused[] = [
  {
    name: 'a certificate that has expired',
    serve: () => authority.expired(),
    code: 'upstream_certificate_expired',
    type: 'certificate-expired',
    message: /expired on \d{4}-.*--insecure-upstream 127\.0\.0\.1/,
  },
  {
    name: 'a certificate that is not valid yet',
    serve: () => authority.notYetValid(),
    code: 'upstream_certificate_expired',
    type: 'certificate-expired',
    message: /only valid from \d{4}-/,
  },
  {
    name: 'a certificate that nobody has signed',
    serve: () => selfSigned(),
    code: 'upstream_certificate_untrusted',
    type: 'certificate-untrusted',
    message: /self-signed.*--upstream-ca FILE/,
  },
  {
    name: 'a certificate of an unknown authority',
    serve: async () => (await TestAuthority.create('Their CA')).server(),
    code: 'upstream_certificate_untrusted',
    type: 'certificate-untrusted',
    message: /CN=Their CA.*--upstream-ca FILE/,
  },
  {
    name: 'a certificate without the rest of its chain',
    serve: async () => withoutChain(await (await authority.intermediate()).server()),
    code: 'upstream_certificate_untrusted',
    type: 'certificate-untrusted',
    message: /incomplete chain/,
  },
  {
    name: 'a certificate for another host',
    serve: () => authority.server(['other.test']),
    code: 'upstream_certificate_wrong_host',
    type: 'certificate-wrong-host',
    message: /is for other\.test, expected 127\.0\.0\.1/,
  },
  {
    name: 'no version of TLS in common',
    serve: async () => ({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    code: 'upstream_tls',
    type: 'tls',
    message: /no version of TLS in common/,
  },
  {
    name: 'a demand for a client certificate: TLSv1.3',
    serve: async () => ({ requestCert: true, ca: authority.certificate }),
    code: 'upstream_tls',
    type: 'tls',
    message: /client certificate.*--upstream-cert 127\.0\.0\.1=/,
  },
  {
    name: 'a demand for a client certificate: TLSv1.2',
    serve: async () => ({ requestCert: true, ca: authority.certificate, maxVersion: 'TLSv1.2' }),
    code: 'upstream_tls',
    type: 'tls',
    message: /client certificate.*--upstream-cert 127\.0\.0\.1=/,
  },
];

for (const { name, serve, code, type, message } of refused) {
  test(`an upstream with ${name} is a 502 that says so, and recorded as ${type}`, async () => {
    await using upstream = await listenTls(authority, await serve());
    await using app = await Program.start(upstream.url, flags);
    for (const way of ways) {
      for (const sent of requests) {
        const route = await openRoute(app, way);
        expectProxyError(await exchange(route, sent, upstream), code, message);
        await expectRecordedFailure(route, type);
      }
    }
  });
}

test('an upstream that speaks plain HTTP at an https URL is a 502 that says so', async () => {
  await using upstream = await Dependency.listen();
  const url = upstream.url.replace('http:', 'https:');
  await using app = await Program.start(url, flags);
  for (const way of ways) {
    const route = await openRoute(app, way);
    const message = /does not speak TLS at this port; is it http:\/\/127\.0\.0\.1:\d+\?/;
    expectProxyError(await getFrom(route, `${url}/`), 'upstream_tls', message);
    await expectRecordedFailure(route, 'tls');
  }
});

for (const way of egressWays()) {
  test(`a listener of the proxy itself is a 508 by https too: ${way.name}`, async () => {
    const route = await openRoute(program, way);
    for (const listener of ['ingress', 'egress', 'control', 'admin'] as const) {
      const answer = await getFrom(route, `https://localhost:${new URL(program[listener]).port}/`);
      assert.equal(answer.status, 508, answer.body.toString());
    }
  });
}

describe('--insecure-upstream', () => {
  for (const way of egressWays()) {
    test(`accepts any certificate of the host that it names: ${way.name}`, async () => {
      const route = await openRoute(program, way);
      homemade.next(plain('homemade'));
      const answer = await getFrom(route, `https://localhost:${homemade.port}/`);
      assert.equal(answer.body.toString(), 'homemade');
    });

    test(`accepts it of no other host: ${way.name}`, async () => {
      const route = await openRoute(program, way);
      const answer = await getFrom(route, `https://127.0.0.1:${homemade.port}/`);
      expectProxyError(answer, 'upstream_certificate_untrusted', /self-signed/);
      await expectRecordedFailure(route, 'certificate-untrusted');
    });
  }
});

describe('--upstream-cert', () => {
  for (const way of egressWays()) {
    test(`shows its certificate to the host that it names, and to no other: ${way.name}`, async () => {
      const route = await openRoute(program, way);
      demanding.next(plain('you may'));
      const answer = await getFrom(route, `https://localhost:${demanding.port}/`);
      assert.equal(answer.body.toString(), 'you may');
      assert.equal(demanding.handshakes.at(-1)?.clientName, 'the proxy');

      const other = await openRoute(program, way);
      const message = /asks for a client certificate.*--upstream-cert 127\.0\.0\.1=/;
      expectProxyError(await getFrom(other, `https://127.0.0.1:${demanding.port}/`), 'upstream_tls', message);
      await expectRecordedFailure(other, 'tls');
    });
  }
});

describe('a connection to an upstream that speaks TLS', () => {
  for (const sent of requests) {
    test(`is used again, whatever Host the requests name: ${sent.method}`, async () => {
      await using upstream = await listenTls(authority);
      await using app = await Program.start(upstream.url, flags);
      for (const host of ['one.example', 'two.example:8443', '127.0.0.1', 'one.example']) {
        upstream.next(plain('again'));
        using client = await RawClient.connect(app.ingress);
        const lines = [`${sent.method} / HTTP/1.1`, `Host: ${host}`, ...sent.lines];
        await client.write(`${lines.join('\r\n')}\r\n\r\n`);
        await client.write(sent.body);
        assert.equal((await client.readResponse()).body.toString(), 'again');
      }
      assert.deepEqual(
        upstream.handshakes.map(({ servername }) => servername),
        [''],
      );
    });
  }

  test('asks for the name in the URL, and resumes its session when it had ended', async () => {
    await using upstream = await listenTls(authority);
    const route: Route = { kind: 'egress', form: 'absolute', url: program.egress };
    for (const _ of [1, 2]) {
      upstream.next(Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nonce'));
      assert.equal((await getFrom(route, `https://localhost:${upstream.port}/`)).body.toString(), 'once');
    }
    assert.deepEqual(
      upstream.handshakes.map(({ servername, alpn, isResumed }) => ({ servername, alpn, isResumed })),
      [
        { servername: 'localhost', alpn: '', isResumed: false },
        { servername: 'localhost', alpn: '', isResumed: true },
      ],
    );
  });
});

/** The app of the ingress listener is fixed when the program starts. */
function egressWays(): readonly Way[] {
  return ways.filter(({ kind }) => kind === 'egress');
}

async function exchange(
  route: Route,
  sent: ReturnType<typeof request>,
  upstream: ScriptedOrigin,
): Promise<Response> {
  using client = await RawClient.connect(route.url);
  await client.write(renderRequest(sent, route, upstream));
  return await client.readResponse(sent.method);
}

async function getFrom(route: Route, url: string): Promise<Response> {
  using client = await RawClient.connect(route.url);
  const session = route.session === undefined ? '' : `x-softprobe-session-id: ${route.session.id}\r\n`;
  const { host, pathname } = new URL(url);
  const target = route.form === 'absolute' ? url : pathname;
  await client.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${session}\r\n`);
  return await client.readResponse();
}

function expectProxyError(answer: Response, code: string, message: RegExp) {
  const text = answer.body.toString();
  assert.equal(answer.status, 502, text);
  assert.equal(field(answer, 'x-softprobe-outcome'), 'proxy-error');
  const { error } = JSON.parse(text) as { error: { code: unknown; message: unknown } };
  assert.equal(error.code, code);
  assert.match(String(error.message), message);
}

async function expectRecordedFailure({ session }: Route, errorType: string) {
  if (session === undefined) return;
  const span = onlySpan(await session.closeToCase());
  assert.equal(attribute(span, 'error.type'), errorType);
  assert.equal(span.status?.code, 2);
  assert.equal(attribute(span, 'url.scheme'), 'https');
  assert.equal(attribute(span, 'http.response.status_code'), undefined, 'the upstream answered nothing');
}
