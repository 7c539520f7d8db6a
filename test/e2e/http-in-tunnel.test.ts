import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { plain, response } from './rows/row.ts';
import { Session } from './support/control-client.ts';
import { field } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, spansOf } from './support/recorded-spans.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

const run = promisify(execFile);

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

/** Opens a tunnel to the origin, or to another authority. */
async function openTunnel(lines: readonly string[] = [], authority = origin.authority): Promise<RawClient> {
  const client = await RawClient.connect(program.egress);
  await client.write([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...lines, '', ''].join('\r\n'));
  assert.match((await client.readHead()).startLine, /^HTTP\/1\.1 200 /);
  return client;
}

const get = (path: string, lines: readonly string[] = []) =>
  [`GET ${path} HTTP/1.1`, `Host: ${origin.authority}`, ...lines, '', ''].join('\r\n');

describe('plain HTTP inside CONNECT', () => {
  test('without a session passes untouched, request after request', async () => {
    using client = await openTunnel();
    for (const path of ['/first', '/second']) {
      const seen = origin.next(plain(path));
      await client.write(get(path, ['X-Kept: as it is']));
      const answer = await client.readResponse();
      assert.equal(answer.body.toString(), path);
      assert.equal(field(answer, 'x-softprobe-outcome'), undefined);
      const arrived = await seen;
      assert.equal(arrived.startLine, `GET ${path} HTTP/1.1`);
      assert.equal(field(arrived, 'x-kept'), 'as it is');
    }
  });

  test('of a session is recorded like any other', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    using client = await openTunnel();
    const seen = origin.next(plain('recorded'));
    await client.write(get('/in-tunnel', [`tracestate: x-softprobe-session-id=${session.id}`]));
    const answer = await client.readResponse();
    assert.equal(field(answer, 'x-softprobe-outcome'), 'forward');
    assert.match(field(await seen, 'traceparent') ?? '', /^00-/);
    const [span] = spansOf(await session.closeToCase());
    assert.ok(span);
    assert.equal(attribute(span, 'url.full'), `http://${origin.authority}/in-tunnel`);
    assert.equal(attribute(span, 'http.response.body'), 'recorded');
  });

  test('is answered by a rule although nobody listens at its end', async () => {
    const session = await Session.open(program.control, { mode: 'replay' });
    await session.setRules([
      {
        id: 'gone',
        when: { host: 'gone.invalid', path: '/x' },
        then: { action: 'mock', response: { body: 'mock' } },
      },
    ]);
    await session.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
    using client = await openTunnel([], 'gone.invalid:80');
    const head = ['Host: gone.invalid', `x-softprobe-session-id: ${session.id}`, '', ''].join('\r\n');
    await client.write(`GET /x HTTP/1.1\r\n${head}`);
    const answer = await client.readResponse();
    assert.deepEqual([answer.body.toString(), field(answer, 'x-softprobe-rule')], ['mock', 'gone']);
    await client.write(`GET /y HTTP/1.1\r\n${head}`);
    assert.equal((await client.readResponse()).status, 599);
    await session.close();
  });

  test('belongs to the session that the credentials of the CONNECT name', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    const credentials = Buffer.from(`${session.id}:`).toString('base64');
    using client = await openTunnel([`Proxy-Authorization: Basic ${credentials}`]);
    const seen = origin.next(plain('tied'));
    await client.write(get('/tied'));
    assert.equal(field(await client.readResponse(), 'x-softprobe-outcome'), 'forward');
    assert.equal(field(await seen, 'proxy-authorization'), undefined);
    const [span] = spansOf(await session.closeToCase());
    assert.ok(span);
    assert.equal(attribute(span, 'sp.session.attribution'), 'proxy-credential');
  });

  test('may come in pieces, and with a method that the parser does not know', async () => {
    using client = await openTunnel();
    const seen = origin.next(response(['HTTP/1.1 200 OK', 'Content-Length: 0']));
    for (const piece of ['BRE', 'W /pot HT', `TP/1.1\r\nHost: ${origin.authority}\r\n\r\n`]) {
      await client.write(piece);
    }
    assert.equal((await client.readResponse()).status, 200);
    assert.equal((await seen).startLine, 'BREW /pot HTTP/1.1');
  });

  test('goes where the tunnel leads, whatever its Host names', async () => {
    using client = await openTunnel();
    const seen = origin.next(plain('here'));
    await client.write('GET / HTTP/1.1\r\nHost: elsewhere.invalid\r\n\r\n');
    assert.equal((await client.readResponse()).body.toString(), 'here');
    assert.equal(field(await seen, 'host'), 'elsewhere.invalid');
  });

  test("is how Node's own fetch uses HTTP_PROXY, and that is recorded, too", async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    origin.next(plain('fetched'));
    const script = `
      const answer = await fetch('${origin.url}/fetched', { headers: { 'x-softprobe-session-id': '${session.id}' } });
      process.stdout.write(await answer.text());`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], {
      env: { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: program.egress, NO_PROXY: '' },
    });
    assert.equal(stdout, 'fetched');
    const urls = spansOf(await session.closeToCase()).map((span) => attribute(span, 'url.full'));
    assert.deepEqual(urls, [`${origin.url}/fetched`]);
  });
});
