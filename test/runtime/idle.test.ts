import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { maskSessionId } from '../../src/runtime/session-id.ts';
import { beginExchange, endExchange } from './support/exchange.ts';
import { LogLines } from './support/log-lines.ts';
import { startRuntime } from './support/runtime-server.ts';

test('an idle session is closed and its capture written', async (t) => {
  const log = new LogLines();
  const { runtime, call, session, captureDir } = await startRuntime(t, {
    logger: log.logger,
    sessionTtlMs: 20,
  });
  const id = await session();
  const { capturePath } = await log.next(/session closed/);
  assert.equal(capturePath, join(captureDir, `${maskSessionId(id)}.case.json`), 'no log line tells an id');
  assert.ok((await stat(join(captureDir, `${id}.case.json`))).isFile());
  assert.equal(runtime.findSession(id), undefined);
  assert.equal((await call('GET', `/v1/sessions/${id}/stats`)).status, 404);
  assert.equal((await call('GET', `/v1/captures/${id}`)).json.caseId, id);
});

test('a session may bring its own time to live, shorter than that of an older one', async (t) => {
  const log = new LogLines();
  const { runtime, session } = await startRuntime(t, { logger: log.logger });
  const kept = await session();
  const brief = await session({ mode: 'replay', ttlSeconds: 0.02 });
  await log.next(/session closed/);
  assert.equal(runtime.findSession(brief), undefined);
  assert.ok(runtime.findSession(kept));
});

test('each sign of life puts the deadline off', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { LocalRuntime } = await import('../../src/runtime/index.ts');
  const runtime = new LocalRuntime({ captureDir: 'unused', sessionTtlMs: 1000 });
  const { sessionId } = runtime.createSession({ mode: 'replay' });
  for (let n = 0; n < 5; n++) {
    t.mock.timers.tick(900);
    assert.ok(runtime.findSession(sessionId), 'a hop keeps the session open');
  }
  t.mock.timers.tick(900);
  runtime.stats(sessionId);
  t.mock.timers.tick(900);
  assert.deepEqual(runtime.sessions().length, 1, 'a call keeps the session open');
  t.mock.timers.tick(200);
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(runtime.sessions(), []);
});

test('an exchange in flight keeps its session open', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { LocalRuntime } = await import('../../src/runtime/index.ts');
  const runtime = new LocalRuntime({ captureDir: 'unused', sessionTtlMs: 1000 });
  const ticket = runtime.findSession(runtime.createSession({ mode: 'capture' }).sessionId);
  assert.ok(ticket);
  const exchange = beginExchange();
  runtime.begin(ticket, exchange);
  t.mock.timers.tick(10_000);
  assert.equal(runtime.sessions().length, 1);
  runtime.finish(ticket, endExchange(exchange));
});

test('session ids are masked in every line of the log', async (t) => {
  const log = new LogLines();
  const { runtime, call, session } = await startRuntime(t, { logger: log.logger });
  const id = await session();
  await call('POST', `/v1/sessions/${id}/rules`, { rules: [{ when: {}, then: { action: 'replay' } }] });
  await call('GET', `/v1/sessions/${id}x/stats`);
  await call('POST', `/v1/sessions/${id}/close?out=named`);
  await runtime.closeAll();
  assert.ok(log.lines.length >= 3);
  assert.ok(!JSON.stringify(log.lines).includes(id));
  assert.ok(JSON.stringify(log.lines).includes(id.slice(-4)));
});
