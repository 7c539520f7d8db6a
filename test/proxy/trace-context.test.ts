import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isValidTraceparent } from '../../src/cases/index.ts';
import {
  continueTrace,
  randomHex,
  readSessionMember,
  writeTraceparent,
  writeTracestate,
} from '../../src/proxy/trace-context.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT_ID = 'b7ad6b7169203331';
const VALID = `00-${TRACE_ID}-${PARENT_ID}-01`;

describe('traceparent', () => {
  const cases: [title: string, value: string, valid: boolean][] = [
    ['version 00', VALID, true],
    ['any flags', `00-${TRACE_ID}-${PARENT_ID}-ff`, true],
    ['a later version', `cc-${TRACE_ID}-${PARENT_ID}-01`, true],
    ['a later version with further fields', `cc-${TRACE_ID}-${PARENT_ID}-01-what-comes`, true],
    ['a later version with trailing data and no dash', `cc-${TRACE_ID}-${PARENT_ID}-01.x`, false],
    ['trailing data in version 00', `${VALID}-00`, false],
    ['version ff', `ff-${TRACE_ID}-${PARENT_ID}-01`, false],
    ['an all-zero trace id', `00-${'0'.repeat(32)}-${PARENT_ID}-01`, false],
    ['an all-zero parent id', `00-${TRACE_ID}-${'0'.repeat(16)}-01`, false],
    ['upper case', VALID.toUpperCase(), false],
    ['one character short', VALID.slice(0, -1), false],
    ['another separator', VALID.replace('-', '_'), false],
    ['no hex', `00-${'g'.repeat(32)}-${PARENT_ID}-01`, false],
    ['nothing', '', false],
  ];
  for (const [title, value, valid] of cases) {
    it(`${valid ? 'takes' : 'refuses'} ${title}`, () => assert.equal(isValidTraceparent(value), valid));
  }

  it('keeps trace id, parent and flags of a valid one, under a span of its own', () => {
    const trace = continueTrace(VALID, 1);
    assert.equal(trace.traceId, TRACE_ID);
    assert.equal(trace.parentSpanId, PARENT_ID);
    assert.equal(trace.flags, 1);
    assert.notEqual(trace.spanId, PARENT_ID);
    assert.equal(writeTraceparent(trace), `00-${TRACE_ID}-${trace.spanId}-01`);
  });

  it('starts a new trace where it is missing, invalid or repeated', () => {
    for (const trace of [
      continueTrace(undefined, 0),
      continueTrace('nonsense', 1),
      continueTrace(VALID, 2),
    ]) {
      assert.notEqual(trace.traceId, TRACE_ID);
      assert.equal(trace.parentSpanId, undefined);
      assert.ok(isValidTraceparent(writeTraceparent(trace)));
    }
  });

  it('never gives the same id twice', () => {
    const ids = Array.from({ length: 10_000 }, () => randomHex(8));
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.every((id) => /^[0-9a-f]{16}$/.test(id)));
  });
});

describe('tracestate', () => {
  it('has the session first and keeps other vendors in order', () => {
    assert.equal(writeTracestate(undefined, 'sess_1'), 'x-softprobe-session-id=sess_1');
    assert.equal(writeTracestate('a=1, b=2', 'sess_1'), 'x-softprobe-session-id=sess_1,a=1,b=2');
  });

  it('replaces a stale session under either key and drops x-sp-traceparent', () => {
    assert.equal(
      writeTracestate('a=1,x-sp-session-id=old,x-softprobe-session-id=old,x-sp-traceparent=t,b=2', 'new'),
      'x-softprobe-session-id=new,a=1,b=2',
    );
  });

  it('never has more than 32 members: the last ones go', () => {
    const others = Array.from({ length: 40 }, (_, i) => `v${i}=${i}`);
    const members = writeTracestate(others.join(','), 's').split(',');
    assert.deepEqual(members, ['x-softprobe-session-id=s', ...others.slice(0, 31)]);
  });

  it('reads what it writes, whatever else is in the list', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z0-9_-]{1,40}$/),
        fc.string({ unit: 'binary-ascii', maxLength: 200 }),
        (id, other) => {
          const list = writeTracestate(other, id);
          assert.equal(readSessionMember(list), id);
          assert.ok(list.split(',').length <= 32);
          assert.equal(writeTracestate(list, id), list, 'writing again changes nothing');
        },
      ),
    );
  });

  it('reads the older key, after the newer one', () => {
    assert.equal(readSessionMember('a=1, x-sp-session-id=old'), 'old');
    assert.equal(readSessionMember('x-sp-session-id=old,x-softprobe-session-id=new'), 'new');
    assert.equal(readSessionMember('my-x-softprobe-session-id=no,a=x-softprobe-session-id'), undefined);
  });
});
