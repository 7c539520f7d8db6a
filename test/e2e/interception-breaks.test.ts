import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { Session } from './support/control-client.ts';
import { field } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';
import { selfSigned } from './support/test-authority.ts';
import { listenTls } from './support/tls-origin.ts';
import { type TlsStage, useTlsStage } from './support/tls-stage.ts';

let stage: TlsStage;
let origin: ScriptedOrigin;
let program: Program;
useTlsStage((set) => {
  stage = set;
  ({ origin, program } = set);
});

const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';
const breaks = [
  { framing: 'content-length', answer: `${OK}Content-Length: 100\r\n\r\nhalf`, how: 'end', version: '1.1' },
  { framing: 'content-length', answer: `${OK}Content-Length: 100\r\n\r\nhalf`, how: 'reset', version: '1.1' },
  {
    framing: 'chunks',
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`,
    how: 'end',
    version: '1.1',
  },
  {
    framing: 'chunks',
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`,
    how: 'reset',
    version: '1.1',
  },
  // Our server would put it into chunks for a client that knows them.
  { framing: 'the close', answer: `${OK}\r\nhalf`, how: 'reset', version: '1.0' },
] as const;

interface Way {
  readonly name: string;
  readonly origin: () => Promise<ScriptedOrigin>;
  readonly connect: (authority: string) => Promise<RawClient>;
}

const tls = (): ConnectionOptions => ({ ca: stage.ca, servername: 'localhost' });
const ways: readonly Way[] = [
  {
    name: 'plain HTTP in a tunnel',
    origin: () => ScriptedOrigin.listen(),
    connect: (authority) => RawClient.connectThrough(program.egress, authority),
  },
  {
    name: 'TLS in a tunnel',
    origin: () => listenTls(stage.authority),
    connect: (authority) => RawClient.connectTls(program.egress, { authority, ...tls() }),
  },
  {
    name: 'TLS that begins with the listener',
    origin: () => listenTls(stage.authority),
    connect: () => RawClient.connectTls(program.egress, tls()),
  },
];

for (const way of ways) {
  describe(way.name, () => {
    for (const { framing, answer, how, version } of breaks) {
      test(`an upstream that breaks a body framed by ${framing} (${how}) is not taken for a complete one`, async () => {
        await using upstream = await way.origin();
        const session = await Session.open(program.control, { mode: 'capture' });
        using client = await way.connect(upstream.authority);
        const goOn = Promise.withResolvers<void>();
        upstream.next(async (call) => {
          await call.body();
          await call.write(answer);
          await goOn.promise;
          if (how === 'end') call.end();
          else call.reset();
        });
        const host = `localhost:${upstream.port}`;
        await client.write(
          `GET / HTTP/${version}\r\nHost: ${host}\r\nx-softprobe-session-id: ${session.id}\r\n\r\n`,
        );
        const head = await client.readHead();
        await client.source.until('half');
        goOn.resolve();
        const { bytes, ending } = await client.source.rest();
        if (framing === 'the close') assert.equal(ending, 'reset');
        if (framing === 'chunks') assert.doesNotMatch(bytes.toString(), /^0\r\n/m);
        assert.match(head.startLine, / 200 /);
        assert.notEqual(attribute(onlySpan(await session.closeToCase()), 'error.type'), undefined);
      });
    }

    test('a client that goes away in the middle of the response aborts the upstream request', async () => {
      await using upstream = await way.origin();
      const session = await Session.open(program.control, { mode: 'capture' });
      const client = await way.connect(upstream.authority);
      const aborted = upstream.next(async (call) => {
        await call.body();
        await call.write(`${OK}Content-Length: 100\r\n\r\nhalf`);
        await call.gone();
      });
      const host = `localhost:${upstream.port}`;
      await client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nx-softprobe-session-id: ${session.id}\r\n\r\n`);
      await client.source.until('half');
      client[Symbol.dispose]();
      await aborted;
      assert.equal(attribute(onlySpan(await session.closeToCase()), 'error.type'), 'aborted');
    });
  });
}

test('TLS in TLS is broken off as well', async () => {
  using outer = await RawClient.connectTls(program.egress, tls());
  await outer.write(`CONNECT ${origin.authority} HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
  assert.equal((await outer.readResponse('CONNECT')).status, 200);
  outer.socket.removeAllListeners('readable');
  const inner = connectTls({ socket: outer.socket, ...tls() });
  await once(inner, 'secureConnect');
  const goOn = Promise.withResolvers<void>();
  origin.next(async (call) => {
    await call.body();
    await call.write(`${OK}\r\nhalf`);
    await goOn.promise;
    call.reset();
  });
  const closed = Promise.withResolvers<void>();
  const events: string[] = [];
  inner
    .on('error', ({ code }: NodeJS.ErrnoException) => events.push(String(code)))
    .on('end', () => events.push('end'))
    .on('close', closed.resolve);
  inner.write(`GET / HTTP/1.0\r\nHost: ${origin.authority}\r\n\r\n`);
  await once(inner, 'data');
  goOn.resolve();
  await closed.promise;
  assert.deepEqual(events, ['ECONNRESET']);
});

describe('an upstream that cannot be reached is a 502 inside TLS, and recorded', () => {
  const failures: Record<string, { code: string; type: string; upstream: () => Promise<ScriptedOrigin> }> = {
    'nobody listens': {
      code: 'upstream_refused',
      type: 'ECONNREFUSED',
      upstream: async () => {
        const gone = await listenTls(stage.authority);
        await gone[Symbol.asyncDispose]();
        return gone;
      },
    },
    'an expired certificate': {
      code: 'upstream_certificate_expired',
      type: 'certificate-expired',
      upstream: async () => await listenTls(stage.authority, await stage.authority.expired()),
    },
    'a certificate that nobody signed': {
      code: 'upstream_certificate_untrusted',
      type: 'certificate-untrusted',
      upstream: async () => await listenTls(stage.authority, await selfSigned()),
    },
  };
  for (const [name, { code, type, upstream: listen }] of Object.entries(failures)) {
    test(name, async () => {
      await using upstream = await listen();
      const session = await Session.open(program.control, { mode: 'capture' });
      using client = await RawClient.connectTls(program.egress, { authority: upstream.authority, ...tls() });
      await client.write(
        `GET / HTTP/1.1\r\nHost: ${upstream.authority}\r\nx-softprobe-session-id: ${session.id}\r\n\r\n`,
      );
      const answer = await client.readResponse();
      assert.deepEqual([answer.status, field(answer, 'x-softprobe-outcome')], [502, 'proxy-error']);
      const { error } = JSON.parse(answer.body.toString()) as { error: { code: string } };
      assert.equal(error.code, code);
      assert.equal(attribute(onlySpan(await session.closeToCase()), 'error.type'), type);
    });
  }
});
