import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { shownValue } from '../../src/runtime/shown-value.ts';

describe('shownValue', () => {
  it('leaves short values as they are', () => {
    for (const value of ['', 'a', 0, false, null, undefined, [1, 'a'], { a: { b: null } }]) {
      assert.equal(shownValue(value), value);
    }
  });

  it('cuts long text, and turns large values into the beginning of their text', () => {
    assert.equal(shownValue('x'.repeat(1000)), `${'x'.repeat(200)}…`);
    assert.equal(
      shownValue([1, { a: 'y'.repeat(1000) }]),
      `[1,{"a":"${'y'.repeat(200)}`.slice(0, 200).concat('…'),
    );
    assert.equal(shownValue(Array.from({ length: 30 }, () => 1)), `[${'1,'.repeat(20).slice(0, -1)}…`);
  });

  it('is never longer than its bound, and always JSON', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true }), (value) => {
        const json = fc.stringify(value);
        const shown = shownValue(safely(json, value));
        const text = JSON.stringify(shown) ?? '';
        assert.ok(typeof shown !== 'string' || shown.length <= 201);
        assert.ok(typeof shown === 'string' || text.length <= 1500);
      }),
    );
  });
});

/** As JSON holds it, which is all that a rule or a body can be made of; bigint comes from attributes. */
function safely(label: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value;
  try {
    return JSON.parse(JSON.stringify(value) ?? 'null');
  } catch {
    return label;
  }
}
