import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { Direction } from '../../src/cases/index.ts';
import { readBaggageSession, withoutBaggageSession } from '../../src/proxy/baggage.ts';
import { Correlator } from '../../src/proxy/correlate.ts';
import { readProxyUser } from '../../src/proxy/proxy-credential.ts';
import { readRequestHead } from '../../src/proxy/request-head.ts';
import { TraceTable } from '../../src/proxy/trace-table.ts';
import { LocalRuntime } from '../../src/runtime/index.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`;

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

let runtime: LocalRuntime;
let traces: TraceTable;
let id: string;
let other: string;
beforeEach(() => {
  runtime = new LocalRuntime({ captureDir: 'unused' });
  traces = new TraceTable();
  id = runtime.createSession({ mode: 'replay' }).sessionId;
  other = runtime.createSession({ mode: 'replay' }).sessionId;
});

/** What a request with these header fields is tied to, and by what. */
function correlate(fields: readonly string[], options: { direction?: Direction; sole?: boolean } = {}) {
  const { direction = 'outbound', sole = false } = options;
  const correlator = new Correlator({
    runtime,
    traces,
    readsProxyCredentials: direction === 'outbound',
    fallsBackToSole: sole,
  });
  const head = readRequestHead(fields, direction);
  const session = correlator.find(head);
  return { session: session?.id, by: head.attribution, unknown: head.namesUnknownSession };
}

describe('the ladder', () => {
  const steps = (): [string, string[]][] => {
    traces.remember(TRACE_ID, id);
    return [
      ['header', ['x-softprobe-session-id', id]],
      ['tracestate', ['tracestate', `a=1,x-softprobe-session-id=${id}`]],
      ['baggage', ['baggage', `user=1, x-softprobe-session-id=${id};ttl=1`]],
      ['trace-id', ['traceparent', TRACEPARENT]],
      ['proxy-credential', ['proxy-authorization', basic(`${id}:`)]],
    ];
  };

  it('ties a request by each step, and says by which', () => {
    for (const [by, fields] of steps()) {
      assert.deepEqual(correlate(fields), { session: id, by, unknown: false });
    }
    for (const name of ['x-sp-session-id', 'sp_session_id', 'X-Session-Id']) {
      assert.equal(correlate([name, id]).by, 'header');
    }
  });

  it('prefers the surer step', () => {
    const all = steps();
    for (let first = 0; first < all.length - 1; first++) {
      const [by, fields] = all[first] ?? ['', []];
      const rest = all.slice(first + 1).flatMap(([, later]) => later.map((text) => text.replace(id, other)));
      assert.deepEqual(correlate([...rest, ...fields]), { session: id, by, unknown: false });
    }
  });

  it('goes on where an id names no open session', () => {
    assert.deepEqual(correlate(['x-session-id', 'of-the-app', 'proxy-authorization', basic(id)]), {
      session: id,
      by: 'proxy-credential',
      unknown: false,
    });
    const { session, unknown } = correlate([
      'x-softprobe-session-id',
      'sess_gone',
      'tracestate',
      `x-softprobe-session-id=${id}`,
    ]);
    assert.deepEqual([session, unknown], [id, true]);
  });

  it('reads proxy credentials on egress only', () => {
    assert.equal(correlate(['proxy-authorization', basic(id)], { direction: 'inbound' }).session, undefined);
  });

  it('falls back to the only open session where asked to, unless another one was named', async () => {
    assert.equal(correlate([], { sole: true }).session, undefined, 'two are open');
    await runtime.close(other);
    assert.deepEqual(correlate([], { sole: true }), { session: id, by: 'sole-session', unknown: false });
    assert.deepEqual(correlate(['x-softprobe-session-id', other], { sole: true }), {
      session: undefined,
      by: undefined,
      unknown: true,
    });
    assert.equal(correlate([]).session, undefined, 'nobody asked');
  });

  it('forgets a trace with its session', async () => {
    traces.remember(TRACE_ID, id);
    await runtime.close(id);
    assert.deepEqual(correlate(['traceparent', TRACEPARENT]), {
      session: undefined,
      by: undefined,
      unknown: false,
    });
    assert.equal(traces.find(TRACE_ID), undefined);
  });

  it('takes nothing hostile for a session, and never throws', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constant('x'.repeat(60_000)),
      fc.constantFrom('__proto__', 'constructor', '\u0000', '%', 'x-softprobe-session-id=%E0%A4%A'),
      fc.string({ maxLength: 50 }).map((text) => `x-softprobe-session-id=${text}`),
      fc.uint8Array({ maxLength: 50 }).map((bytes) => `Basic ${Buffer.from(bytes).toString('base64')}`),
    );
    const name = fc.constantFrom(
      'x-softprobe-session-id',
      'tracestate',
      'baggage',
      'traceparent',
      'proxy-authorization',
      'x-session-id',
    );
    traces.remember(TRACE_ID, id);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, hostile), { maxLength: 6 }), (fields) => {
        assert.equal(correlate(fields.flat()).session, undefined);
      }),
    );
  });
});

describe('proxy credentials', () => {
  it('name a user, with or without a password', () => {
    assert.equal(readProxyUser(basic('sess_a')), 'sess_a');
    assert.equal(readProxyUser(basic('sess_a:secret:more')), 'sess_a');
    assert.equal(readProxyUser(basic('sess_a').replace('Basic', 'bAsIc ')), 'sess_a');
  });

  it('are none in another scheme, empty, not base64, not UTF-8, or huge', () => {
    const notUtf8 = `Basic ${Buffer.from([0xff, 0xfe, 0x3a]).toString('base64')}`;
    for (const value of [
      'Bearer abc',
      'Basic',
      'Basic ',
      basic(':x'),
      'Basic ???',
      notUtf8,
      basic('x'.repeat(2000)),
    ]) {
      assert.equal(readProxyUser(value), undefined, value);
    }
  });
});

describe('baggage', () => {
  it('gives up our member and keeps the others', () => {
    const list = 'user=1,x-softprobe-session-id=sess%5F1;p=1, b=2';
    assert.equal(readBaggageSession(list), 'sess_1');
    assert.equal(withoutBaggageSession(list), 'user=1, b=2');
    assert.equal(withoutBaggageSession('x-softprobe-session-id=a'), '');
    assert.equal(withoutBaggageSession('not-x-softprobe-session-id=a'), 'not-x-softprobe-session-id=a');
  });
});

describe('the trace table', () => {
  it('lets the trace go that was used least recently', () => {
    const table = new TraceTable(2);
    table.remember('a', '1');
    table.remember('b', '2');
    assert.equal(table.find('a'), '1');
    table.remember('c', '3');
    table.remember('d', '4');
    assert.equal(table.find('a'), '1');
    table.remember('e', '5');
    assert.deepEqual([table.find('a'), table.find('b'), table.find('e')], ['1', undefined, '5']);
  });

  it('keeps the last session of a trace, when the one before is closed', () => {
    const table = new TraceTable();
    table.remember('a', '1');
    table.remember('a', '2');
    assert.equal(table.find('a'), '2');
  });

  it('ties no call to a trace that two open sessions have, except by the span of a hop', () => {
    const table = new TraceTable(undefined, () => true);
    table.remember('a', '1', 'x');
    assert.deepEqual([table.find('a'), table.find('a', 'x'), table.find('a', '?')], ['1', '1', '1']);
    table.remember('a', '2', 'y');
    assert.deepEqual([table.find('a'), table.find('a', '?')], [undefined, undefined]);
    assert.deepEqual([table.find('a', 'x'), table.find('a', 'y')], ['1', '2']);
    table.remember('a', '2', 'z');
    assert.deepEqual([table.find('a'), table.find('a', 'z')], [undefined, '2']);
  });

  it('forgets a hop, and leaves its trace to the session that has it now', () => {
    const table = new TraceTable();
    table.remember('a', '1', 'x');
    table.remember('a', '2', 'y');
    table.forget('a', 'x');
    assert.deepEqual([table.find('a'), table.find('a', 'x'), table.find('a', 'y')], ['2', '2', '2']);
  });
});
