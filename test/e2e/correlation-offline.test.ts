import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import type { Rule } from '../../src/cases/documents.generated.ts';
import { plain } from './rows/row.ts';
import { Session } from './support/control-client.ts';
import { callThrough, connectThrough, getThrough, proxyCredentials } from './support/egress-call.ts';
import { field, type Response } from './support/http-message.ts';
import { AUTHORITY_CERTIFICATE, Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

const SOCKET_LOG_MODULE = new URL('support/apps/socket-log.ts', import.meta.url).href;

let folder: string;
let socketLog: string;
let origin: ScriptedOrigin;
let program: Program;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-e2e-sockets-'));
  socketLog = join(folder, 'sockets.log');
  origin = await ScriptedOrigin.listen();
  program = await Program.start(origin.url, [], {
    NODE_OPTIONS: `--import=${SOCKET_LOG_MODULE}`,
    SOCKET_LOG: socketLog,
  });
});
beforeEach(async () => {
  origin.clear();
  await writeFile(socketLog, '');
});
after(async () => {
  await origin[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** What the program did since the test began: `connect` for a connection it opened, `lookup` for a name. */
async function socketsOpened(): Promise<string[]> {
  return (await readFile(socketLog, 'utf8')).split('\n').filter((line) => line !== '');
}

async function offline(rules: readonly Rule[] = []): Promise<Session> {
  const session = await Session.open(program.control, { mode: 'capture', policy: { offline: true } });
  await session.setRules(rules);
  return session;
}

const of = (session: Session) => `x-softprobe-session-id: ${session.id}`;

describe('without the policy, what is counted here shows', () => {
  test('a connection', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    await callThrough(program.egress, origin, [of(session), 'connection: close']);
    assert.deepEqual(await socketsOpened(), ['connect']);
    const { stats } = (await session.close()) as { stats: { forwardedOutbound: number } };
    assert.equal(stats.forwardedOutbound, 1);
  });

  test('a name that is looked up', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    const { port } = new URL(origin.url);
    origin.next(plain('real'));
    await getThrough(program.egress, `http://localhost:${port}/value`, [of(session)]);
    assert.equal((await socketsOpened()).includes('lookup'), true);
    await session.close();
  });
});

describe('with the policy offline', () => {
  const targets: Record<string, () => string> = {
    'an address': () => `${origin.url}/value`,
    'a name of this machine': () => `http://localhost:${new URL(origin.url).port}/value`,
    'a name of the internal network': () => 'http://billing.svc.cluster.local/value',
    'a name of the world': () => 'http://api.example.com/value',
    'a secure URL': () => 'https://api.example.com/value',
  };
  for (const [name, url] of Object.entries(targets)) {
    test(`a call to ${name} is a strict miss, and nothing is opened or looked up`, async () => {
      const session = await offline();
      const answer = await getThrough(program.egress, url(), [of(session)]);
      expectStrictMiss(answer);
      assert.deepEqual(await socketsOpened(), []);
      await expectNothingLeft(session, 1);
    });
  }

  test('an allow list, a passthrough and a capture_only rule open nothing either', async () => {
    for (const action of ['passthrough', 'capture_only'] as const) {
      const session = await offline([{ when: { direction: 'outbound' }, then: { action } }]);
      await session.setPolicy({ offline: true, externalAllowlist: ['127.0.0.1'] });
      expectStrictMiss(await getThrough(program.egress, `${origin.url}/value`, [of(session)]));
      await expectNothingLeft(session, 1);
    }
    assert.deepEqual(await socketsOpened(), []);
  });

  test('a mock still answers', async () => {
    const session = await offline([
      { when: { path: '/value' }, then: { action: 'mock', response: { body: 'mocked' } } },
    ]);
    const answer = await getThrough(program.egress, 'http://api.example.com/value', [of(session)]);
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'mocked']);
    assert.deepEqual(await socketsOpened(), []);
    await expectNothingLeft(session, 0);
  });

  test('a tunnel with something inside that nobody can look into ends as a strict miss', async () => {
    const session = await offline();
    const { seen } = await connectThrough(program.egress, origin, [proxyCredentials(session.id)]);
    assert.equal(seen, undefined);
    assert.deepEqual(await socketsOpened(), []);
    const { attribution } = await session.stats();
    assert.deepEqual(attribution, { 'proxy-credential': 1 });
    await expectNothingLeft(session, 1);
  });

  const tunnels: Record<string, (session: Session) => { connect: string[]; call: string[] }> = {
    'a tunnel of nobody': (session) => ({ connect: [], call: [of(session)] }),
    'a tunnel of the session': (session) => ({ connect: [proxyCredentials(session.id)], call: [] }),
  };
  for (const [name, linesFor] of Object.entries(tunnels)) {
    for (const isSecure of [false, true]) {
      const kind = isSecure ? 'https' : 'http';
      test(`an ${kind} call in ${name} opens nothing and looks nothing up, and may be mocked`, async () => {
        const session = await offline([
          {
            when: { host: 'gone.invalid', path: '/mock' },
            then: { action: 'mock', response: { body: 'mocked' } },
          },
        ]);
        const lines = linesFor(session);
        const authority = isSecure ? 'gone.invalid:443' : 'gone.invalid:80';
        using client = isSecure
          ? await RawClient.connectTls(program.egress, {
              authority,
              lines: lines.connect,
              ca: await readFile(AUTHORITY_CERTIFICATE, 'utf8'),
              servername: 'gone.invalid',
            })
          : await RawClient.connectThrough(program.egress, authority, lines.connect);
        const get = (path: string) =>
          [`GET ${path} HTTP/1.1`, 'Host: gone.invalid', ...lines.call, '', ''].join('\r\n');
        await client.write(get('/mock'));
        const answer = await client.readResponse();
        assert.deepEqual([answer.status, answer.body.toString()], [200, 'mocked']);
        await client.write(get('/value'));
        expectStrictMiss(await client.readResponse());
        assert.deepEqual(await socketsOpened(), []);
        await expectNothingLeft(session, 1);
      });
    }
  }

  test('a request still comes in to the app', async () => {
    const session = await offline();
    origin.next(plain('app'));
    using client = await RawClient.connect(program.ingress);
    await client.write(`GET / HTTP/1.1\r\nHost: app\r\n${of(session)}\r\n\r\n`);
    const answer = await client.readResponse();
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'app']);
    assert.equal(field(answer, 'x-softprobe-outcome'), 'forward');
    await expectNothingLeft(session, 0);
  });
});

function expectStrictMiss(answer: Response) {
  assert.equal(answer.status, 599);
  assert.equal(field(answer, 'x-softprobe-outcome'), 'strict-miss');
  assert.equal(field(answer, 'x-softprobe-strict-miss'), '1');
  const body = JSON.parse(answer.body.toString()) as { error: { code: string; message: string } };
  assert.equal(body.error.code, 'strict_miss');
  assert.match(body.error.message, /offline/);
}

/** The close attests it. */
async function expectNothingLeft(session: Session, strictMisses: number) {
  const { stats } = (await session.close()) as { stats: Record<string, unknown> };
  assert.deepEqual([stats.forwardedOutbound, stats.strictMisses], [0, strictMisses]);
}
