import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { hopFromSpan, readCaseFile, spansOf } from '../../src/cases/index.ts';
import type { LocalRuntime } from '../../src/runtime/index.ts';
import { beginExchange, endExchange } from './support/exchange.ts';
import { startRuntime, temporaryFolder } from './support/runtime-server.ts';

/** Records one finished exchange for each path. */
function record(runtime: LocalRuntime, id: string, ...paths: string[]): void {
  const ticket = runtime.findSession(id);
  assert.ok(ticket);
  for (const path of paths) {
    const exchange = beginExchange({ path, sessionId: id });
    runtime.begin(ticket, exchange);
    runtime.finish(ticket, endExchange(exchange));
  }
}

async function pathsIn(file: string): Promise<string[]> {
  return Array.from(
    spansOf(await readCaseFile(file)),
    ({ span, resource }) => hopFromSpan(span, resource).path,
  );
}

test('closing a capture writes a case that its owner alone may read', async (t) => {
  const { runtime, call, session, captureDir } = await startRuntime(t);
  const id = await session();
  record(runtime, id, '/1', '/2');
  const { status, json } = await call('POST', `/v1/sessions/${id}/close`, '{}');
  assert.equal(status, 200);
  assert.deepEqual(json, {
    sessionId: id,
    closed: true,
    capturePath: join(captureDir, `${id}.case.json`),
    stats: {
      injectedSpans: 0,
      extractedSpans: 2,
      strictMisses: 0,
      forwardedOutbound: 0,
      attribution: {},
    },
  });
  assert.equal((await stat(json.capturePath)).mode & 0o777, 0o600);
  const document = await readCaseFile(json.capturePath);
  assert.equal(document.version, '1.0.0');
  assert.equal(document.caseId, id);
  assert.equal(document.mode, 'capture');
  assert.deepEqual(await pathsIn(json.capturePath), ['/1', '/2']);
});

test('a capture that recorded nothing is still a case, and a replay that recorded nothing writes none', async (t) => {
  const { call, session, captureDir } = await startRuntime(t);
  const capture = await call('POST', `/v1/sessions/${await session()}/close`);
  assert.deepEqual(await pathsIn(capture.json.capturePath), []);
  const replayId = await session({ mode: 'replay' });
  const replay = await call('POST', `/v1/sessions/${replayId}/close?out=x`);
  assert.ok(!('capturePath' in replay.json));
  assert.equal((await readdir(captureDir)).length, 1);
  const asked = await call('GET', `/v1/captures/${replayId}`);
  assert.equal(asked.json.error.code, 'not_found');
});

test('a replay session writes a case of what its rules had it record', async (t) => {
  const { runtime, call, session } = await startRuntime(t);
  const id = await session({ mode: 'replay', caseId: 'partial' });
  record(runtime, id, '/captured');
  const { json } = await call('POST', `/v1/sessions/${id}/close`);
  assert.match(json.capturePath, /partial\.case\.json$/);
  assert.deepEqual(await pathsIn(json.capturePath), ['/captured']);
});

test('the case goes where out says, else to the file of the operator, else by the case id', async (t) => {
  const folder = await temporaryFolder(t);
  const captureFile = join(folder, 'exact', 'name.json');
  const { call, session, captureDir } = await startRuntime(t, { captureFile });
  const close = async (query: string) =>
    (await call('POST', `/v1/sessions/${await session({ mode: 'capture', caseId: 'a b' })}/close${query}`))
      .json.capturePath;
  assert.equal(await close('?out=sub%2Fgiven'), join(captureDir, 'sub', 'given.case.json'));
  assert.equal(await close(''), captureFile);
  const other = await startRuntime(t);
  const id = await other.session({ mode: 'capture', caseId: '../a b' });
  const closed = await other.call('POST', `/v1/sessions/${id}/close`);
  assert.equal(closed.json.capturePath, join(other.captureDir, 'a-b.case.json'));
});

for (const query of [
  '?out=',
  '?out=../x',
  '?out=%2Fetc%2Fx',
  '?out=a&out=b',
  '?output=a',
  '?out=a%5C..%5Cb',
  '?out=a%00',
]) {
  test(`refuses to close with ${query}, and the session stays open`, async (t) => {
    const { call, session, captureDir } = await startRuntime(t);
    const id = await session();
    const reply = await call('POST', `/v1/sessions/${id}/close${query}`);
    assert.equal(reply.status, 400, reply.text);
    assert.equal(reply.json.error.code, 'invalid_request');
    assert.equal((await call('GET', `/v1/sessions/${id}/stats`)).status, 200);
    assert.deepEqual(await readdir(captureDir), []);
  });
}

test('closes with an empty body whatever its type, as some clients send it', async (t) => {
  const { call, session } = await startRuntime(t);
  for (const type of ['text/plain', 'application/json', 'application/x-www-form-urlencoded']) {
    const path = `/v1/sessions/${await session()}/close`;
    assert.equal((await call('POST', path, '', { 'content-type': type })).status, 200, type);
  }
});

test('refuses a body that close does not know', async (t) => {
  const { call, session } = await startRuntime(t);
  const id = await session();
  for (const body of ['{"out":"x"}', '[]', 'null']) {
    assert.equal((await call('POST', `/v1/sessions/${id}/close`, body)).status, 400, body);
  }
});

test('when the file cannot be written the session stays open, and another out saves the recording', async (t) => {
  const { runtime, call, session, captureDir } = await startRuntime(t);
  const id = await session();
  record(runtime, id, '/1');
  await mkdir(join(captureDir, 'taken.case.json', 'full'), { recursive: true });
  const failed = await call('POST', `/v1/sessions/${id}/close?out=taken`);
  assert.equal(failed.status, 500, failed.text);
  assert.equal(failed.json.error.code, 'capture_write_failed');
  assert.match(failed.json.error.message, /taken\.case\.json.*directory.*\((EISDIR|ENOTEMPTY|EEXIST)\)/);
  assert.ok(!failed.text.includes(captureDir), 'no absolute path is shown');
  record(runtime, id, '/2');
  assert.equal((await call('GET', `/v1/sessions/${id}/stats`)).json.sessionRevision, 0);
  const closed = await call('POST', `/v1/sessions/${id}/close?out=free`);
  assert.equal(closed.status, 200);
  assert.deepEqual(await pathsIn(closed.json.capturePath), ['/1', '/2']);
  assert.deepEqual((await readdir(captureDir)).sort(), ['free.case.json', 'taken.case.json']);
});

test('when the capture folder cannot be made the same close works once it can', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'in-the-way'), '');
  const { runtime, call, session } = await startRuntime(t, {
    captureDir: join(folder, 'in-the-way', 'captures'),
  });
  const id = await session();
  record(runtime, id, '/1');
  const failed = await call('POST', `/v1/sessions/${id}/close`);
  assert.equal(failed.status, 500);
  assert.match(failed.json.error.message, /"captures": not a directory \(ENOTDIR\)/);
  await rm(join(folder, 'in-the-way'));
  const closed = await call('POST', `/v1/sessions/${id}/close`);
  assert.deepEqual(await pathsIn(closed.json.capturePath), ['/1']);
});

test('a full disk is a 500 that says so, and an older case of that name survives it', async (t) => {
  const captureDir = await temporaryFolder(t);
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', captureDir]);
  if (mounted.status !== 0) return t.skip('no permission to mount a small file system');
  try {
    const { runtime, call, session } = await startRuntime(t, { captureDir });
    await writeFile(join(captureDir, 'kept.case.json'), 'older');
    const id = await session();
    record(runtime, id, ...Array.from({ length: 100 }, (_, i) => `/${i}`));
    const failed = await call('POST', `/v1/sessions/${id}/close?out=kept`);
    assert.equal(failed.status, 500);
    assert.match(failed.json.error.message, /no space left on device \(ENOSPC\)/);
    assert.equal(await readFile(join(captureDir, 'kept.case.json'), 'utf8'), 'older');
    assert.deepEqual(await readdir(captureDir), ['kept.case.json']);
    assert.equal((await call('GET', `/v1/sessions/${id}/stats`)).json.stats.extractedSpans, 100);
  } finally {
    spawnSync('umount', [captureDir]);
  }
});

test('of two closes at once one succeeds and the other finds the session gone', async (t) => {
  const { runtime, call, session } = await startRuntime(t);
  const id = await session();
  record(runtime, id, '/1');
  const replies = await Promise.all([1, 2, 3].map((n) => call('POST', `/v1/sessions/${id}/close?out=${n}`)));
  assert.deepEqual(replies.map(({ status }) => status).sort(), [200, 404, 404]);
});

test('a second close takes over when the first fails', async (t) => {
  const { runtime, call, session, captureDir } = await startRuntime(t);
  const id = await session();
  record(runtime, id, '/1');
  await mkdir(join(captureDir, 'taken.case.json', 'full'), { recursive: true });
  const failing = runtime.close(id, { out: 'taken' });
  const waiting = call('POST', `/v1/sessions/${id}/close?out=free`);
  await assert.rejects(failing, { code: 'capture_write_failed' });
  assert.equal((await waiting).status, 200);
});

test('close waits for what is in flight', async (t) => {
  const { runtime, session } = await startRuntime(t);
  const id = await session();
  const ticket = runtime.findSession(id);
  assert.ok(ticket);
  const exchange = beginExchange({ path: '/slow' });
  runtime.begin(ticket, exchange);
  const closing = runtime.close(id);
  runtime.finish(ticket, endExchange(exchange));
  const { capturePath = '', stats } = await closing;
  const [span] = [...spansOf(await readCaseFile(capturePath))];
  assert.equal(stats.extractedSpans, 1);
  assert.ok(!span?.span.attributes?.some(({ key }) => key === 'error.type'));
});

test('what does not end in time is written as unfinished, and its later end changes nothing', async (t) => {
  const { runtime, session } = await startRuntime(t);
  const id = await session();
  const ticket = runtime.findSession(id);
  assert.ok(ticket);
  const exchange = beginExchange({ path: '/endless' });
  runtime.begin(ticket, exchange);
  const { capturePath = '', stats } = await runtime.close(id);
  assert.equal(stats.extractedSpans, 1);
  const [found] = [...spansOf(await readCaseFile(capturePath))];
  const type = found?.span.attributes?.find(({ key }) => key === 'error.type');
  assert.equal(type?.value?.stringValue, 'unfinished');
  const before = await readFile(capturePath, 'utf8');
  runtime.finish(ticket, endExchange(exchange));
  assert.equal(await readFile(capturePath, 'utf8'), before);
});

test('secrets are replaced in the file and in the capture of an open session, alike', async (t) => {
  const { runtime, call, session } = await startRuntime(t);
  const id = await session();
  record(runtime, id, '/1');
  const open = await call('GET', `/v1/captures/${id}`);
  const { capturePath } = (await call('POST', `/v1/sessions/${id}/close`)).json;
  const written = await readFile(capturePath, 'utf8');
  assert.doesNotMatch(written, /top-secret/);
  assert.match(written, /Bearer \[redacted:/);
  assert.equal(open.text, written);
  assert.equal((await call('GET', `/v1/captures/${id}`)).text, written);
  assert.equal(
    (await call('HEAD', `/v1/captures/${id}`)).headers.get('content-length'),
    String(Buffer.byteLength(written)),
  );
});

test('with redaction off secrets are kept, and more headers can be named with it on', async (t) => {
  const captured = async (redact: false | { headers: string[] }) => {
    const { runtime, call, session } = await startRuntime(t, { redact });
    const id = await session();
    record(runtime, id, '/1');
    return (await call('GET', `/v1/captures/${id}`)).text;
  };
  assert.match(await captured(false), /Bearer top-secret/);
  const more = await captured({ headers: ['Content-Type'] });
  assert.doesNotMatch(more, /text\/plain|top-secret/);
});

test('a bad JSONPath among the options is found at once', async (t) => {
  const captureDir = await temporaryFolder(t);
  await assert.rejects(startRuntime(t, { captureDir, redact: { bodyPaths: ['$['] } }));
});

test('a closed capture is forgotten when its file is gone or belongs to a later session', async (t) => {
  const { call, session, captureDir } = await startRuntime(t);
  const [first, second] = [await session(), await session()];
  await call('POST', `/v1/sessions/${first}/close?out=same`);
  await call('POST', `/v1/sessions/${second}/close?out=same`);
  assert.equal((await call('GET', `/v1/captures/${first}`)).json.error.code, 'unknown_session');
  assert.equal((await call('GET', `/v1/captures/${second}`)).json.caseId, second);
  await rm(join(captureDir, 'same.case.json'));
  assert.equal((await call('GET', `/v1/captures/${second}`)).json.error.code, 'not_found');
});

test('the captures of the last hundred closed sessions are remembered', async (t) => {
  const { call, session } = await startRuntime(t);
  const ids: string[] = [];
  for (let n = 0; n < 101; n++) {
    const id = await session({ mode: 'replay' });
    await call('POST', `/v1/sessions/${id}/close`);
    ids.push(id);
  }
  const codeOf = async (id = '') => (await call('GET', `/v1/captures/${id}`)).json.error.code;
  assert.equal(await codeOf(ids[0]), 'unknown_session');
  assert.equal(await codeOf(ids[1]), 'not_found');
});

test('shutdown writes every open capture and reports those it could not', async (t) => {
  const { runtime, session, captureDir } = await startRuntime(t);
  const good = await session({ mode: 'capture', caseId: 'good' });
  const bad = await session({ mode: 'capture', caseId: 'bad' });
  record(runtime, good, '/1');
  record(runtime, bad, '/2');
  await mkdir(join(captureDir, 'bad.case.json', 'full'), { recursive: true });
  const results = await runtime.closeAll();
  assert.deepEqual(
    results.map(({ sessionId, closed }) => ({ sessionId, closed })),
    [
      { sessionId: good, closed: true },
      { sessionId: bad, closed: false },
    ],
  );
  assert.deepEqual(await pathsIn(join(captureDir, 'good.case.json')), ['/1']);
});
