import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Exchange } from '../../src/cases/index.ts';
import { Recording } from '../../src/runtime/recording.ts';
import { beginExchange, endExchange } from './support/exchange.ts';

const roomy = { maxBody: 100, maxBytes: 1_000_000 };

function pathsOf(recording: Recording): string[] {
  return recording.snapshot().map((hop) => ('traces' in hop ? 'received' : hop.hop.path));
}

test('keeps the order in which requests started, whatever the order in which they end', () => {
  const recording = new Recording(roomy);
  const [first, second] = [beginExchange({ path: '/1' }), beginExchange({ path: '/2' })];
  assert.equal(recording.begin(first), 100);
  assert.equal(recording.begin(second), 100);
  recording.finish(endExchange(second));
  recording.finish(endExchange(first));
  assert.deepEqual(pathsOf(recording), ['/1', '/2']);
});

test('sorts spans from outside among the exchanges by their start', () => {
  const recording = new Recording(roomy);
  for (const startTime of [1000, 3000]) {
    const exchange = beginExchange({ path: `/${startTime}` }, startTime);
    recording.begin(exchange);
    recording.finish(endExchange(exchange));
  }
  recording.receive({ startTime: 2000, traces: { resourceSpans: [] } }, 10);
  assert.deepEqual(pathsOf(recording), ['/1000', 'received', '/3000']);
});

test('an exchange ends once: a second end is not counted', () => {
  const recording = new Recording(roomy);
  const exchange = beginExchange();
  recording.begin(exchange);
  assert.equal(recording.finish(endExchange(exchange, 'four')), 4);
  assert.equal(recording.finish(exchange), undefined);
  assert.equal(recording.inFlight, 0);
});

test('bytes that were only counted take no room', () => {
  const recording = new Recording(roomy);
  const counted = { bytes: Buffer.alloc(0), size: 1_000_000, kept: 0, truncated: true };
  const exchange = { ...beginExchange(), requestBody: counted };
  recording.begin(exchange);
  assert.equal(recording.finish(endExchange(exchange, 'four')), 4);
});

test('an exchange in flight is shown as a failed copy, and the exchange itself is left alone', () => {
  const recording = new Recording(roomy);
  const exchange = beginExchange();
  recording.begin(exchange);
  endExchange(exchange, 'half').endTime = 0;
  const [copy] = recording.snapshot() as Exchange[];
  assert.equal(copy?.failure?.type, 'unfinished');
  assert.ok((copy?.endTime ?? 0) > 0);
  assert.equal(Buffer.from(copy?.response?.body.bytes ?? []).toString(), 'half');
  assert.equal(exchange.failure, undefined);
  assert.equal(exchange.endTime, 0);
});

test('when it is full bodies are left out first, then whole hops, which are counted', () => {
  const recording = new Recording({ maxBody: 100, maxBytes: 10_000 });
  const allowances: number[] = [];
  for (let i = 0; i < 100; i++) {
    const exchange = beginExchange();
    allowances.push(recording.begin(exchange));
    recording.finish(endExchange(exchange));
  }
  const full = allowances.indexOf(0);
  assert.ok(full > 0, 'some bodies were kept');
  assert.ok(allowances.slice(full).every((allowance) => allowance === 0));
  assert.ok(recording.size > full, 'hops without bodies were still recorded');
  assert.equal(recording.size + recording.dropped, 100);
  assert.ok(recording.dropped > 0);
});

test('does not hold on to a body that only a rule had read', () => {
  const recording = new Recording(roomy);
  const exchange = beginExchange({ body: Buffer.alloc(5000) });
  recording.begin(exchange);
  recording.finish(endExchange(exchange));
  assert.equal(exchange.hop.body, null);
});

test('waiting for idle ends with the last exchange in flight', async () => {
  const recording = new Recording(roomy);
  const exchanges = [beginExchange(), beginExchange()];
  for (const exchange of exchanges) recording.begin(exchange);
  const idle = recording.whenIdle(2 ** 30);
  for (const exchange of exchanges) recording.finish(endExchange(exchange));
  await idle;
  assert.equal(recording.inFlight, 0);
});

test('waiting for idle gives up after its time', async () => {
  const recording = new Recording(roomy);
  recording.begin(beginExchange());
  await recording.whenIdle(1);
  assert.equal(recording.inFlight, 1);
});
