import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { readCaseFile, spansOf } from '../../src/cases/index.ts';
import { anyPorts, BuiltProgram } from '../cli/built-program.ts';

/** Answers `/now` at once; what waits for an answer to any other path is in `held`. */
const held: ServerResponse[] = [];
const app = createServer((request, response) => {
  if (request.url === '/now') {
    response.end('now');
  } else {
    held.push(response);
    app.emit('held');
  }
});

let appUrl = '';
let folder = '';
before(async () => {
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  appUrl = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
});
after(() => {
  app.close();
  app.closeAllConnections();
});

/** A started program with an open capture session. */
async function startCapture(options: { args?: string[]; env?: NodeJS.ProcessEnv } = {}) {
  const args = ['start', '--json', '--app-url', appUrl, '--capture-dir', folder, ...anyPorts];
  const program = new BuiltProgram([...args, ...(options.args ?? [])], { env: options.env ?? {} });
  const { ingress, control } = await program.ready();
  const answer = await fetch(`${control.url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"mode":"capture"}',
  });
  assert.equal(answer.status, 200);
  const { sessionId } = (await answer.json()) as { sessionId: string };
  const get = (path: string) =>
    fetch(`${ingress.url}${path}`, { headers: { 'x-softprobe-session-id': sessionId } });
  return { program, get, sessionId };
}

const hopsOf = async (path: string) => [...spansOf(await readCaseFile(path))].length;

describe('stopping', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'softprobe-stop-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    it(`${signal} writes an open capture to its case file and ends with 0`, async () => {
      const { program, get } = await startCapture();
      await using _ = program;
      assert.equal(await (await get('/now')).text(), 'now');
      program.kill(signal);
      const { code, stderr } = await program.ended;
      assert.equal(code, 0, stderr);
      const [name = '', ...others] = await readdir(folder);
      assert.deepEqual(others, []);
      assert.match(name, /\.case\.json$/);
      assert.equal(await hopsOf(join(folder, name)), 1);
    });
  }

  it('lets a request that is under way finish, and records it', async () => {
    const path = join(folder, 'exact', 'captured.case.json');
    const { program, get } = await startCapture({ env: { SOFTPROBE_CAPTURE_CASE_PATH: path } });
    await using _ = program;
    const [answer] = await Promise.all([
      get('/held'),
      once(app, 'held').then(async () => {
        program.kill('SIGTERM');
        await program.printed('stderr', /stopping/);
        held.pop()?.end('at last');
      }),
    ]);
    assert.equal(await answer.text(), 'at last');
    const { code, stderr } = await program.ended;
    assert.equal(code, 0, stderr);
    assert.equal(await hopsOf(path), 1);
  });

  it('cuts what is still under way after --drain-timeout, and writes what it has', async () => {
    const { program, get } = await startCapture({ args: ['--drain-timeout', '1ms'] });
    await using _ = program;
    const cut = assert.rejects(get('/held'));
    await once(app, 'held');
    program.kill('SIGTERM');
    await cut;
    const { code, stderr } = await program.ended;
    assert.equal(code, 0, stderr);
    assert.equal((await readdir(folder)).length, 1);
  });

  it('a second signal ends it at once', async () => {
    const { program, get } = await startCapture();
    await using _ = program;
    const cut = assert.rejects(get('/held'));
    await once(app, 'held');
    program.kill('SIGTERM');
    await program.printed('stderr', /stopping/);
    program.kill('SIGTERM');
    const { code } = await program.ended;
    assert.equal(code, 143);
    await cut;
  });

  it('ends with 1 and says so when a capture cannot be written', async () => {
    const { program, get, sessionId } = await startCapture();
    await using _ = program;
    await (await get('/now')).text();
    await rm(folder, { recursive: true });
    await writeFile(folder, 'in the way');
    program.kill('SIGTERM');
    const { code, stderr } = await program.ended;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /capture/);
    assert.equal(stderr.includes(sessionId), false, 'a session id is a capability');
  });

  it('keeps its log on stderr, one JSON object a line', async () => {
    const { program, get } = await startCapture({ args: ['--log-level', 'debug'] });
    await using _ = program;
    await (await get('/now')).text();
    program.kill('SIGTERM');
    const { stderr } = await program.ended;
    const lines = stderr.trimEnd().split('\n');
    assert(lines.length >= 2);
    for (const line of lines) assert.equal(typeof JSON.parse(line).level, 'number');
  });
});
