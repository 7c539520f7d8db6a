import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { millisecondsOf, nanosecondsOf } from '../../src/cases/span-time.ts';

test('milliseconds survive the way through nanoseconds exactly', () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 4e12, noNaN: true }), (milliseconds) => {
      const nanoseconds = nanosecondsOf(milliseconds);
      assert.match(nanoseconds, /^\d+$/);
      // Times of this century: a double holds a quarter of a microsecond there, coarser than a nanosecond.
      if (milliseconds > 1e12) assert.equal(millisecondsOf(nanoseconds), milliseconds);
    }),
  );
});

test('a fraction that rounds up carries into the milliseconds', () => {
  assert.equal(nanosecondsOf(1.9999999999), '2000000');
});

test('what is no time is 0', () => {
  for (const value of [undefined, null, '', '-1', '1.5', 'abc', Number.NaN, -1, {}, '9'.repeat(30)]) {
    assert.equal(millisecondsOf(value), 0, String(value));
  }
  assert.equal(nanosecondsOf(Number.NaN), '0');
  assert.equal(nanosecondsOf(-5), '0');
});
