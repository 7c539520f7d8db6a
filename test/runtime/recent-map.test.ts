import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RecentMap } from '../../src/runtime/recent-map.ts';

describe('a recent map', () => {
  it('holds at least the last keys used, and at most twice as many', () => {
    const limit = 5;
    const key = fc.integer({ min: 0, max: 30 }).map(String);
    const step = fc.oneof(
      fc.record({ call: fc.constant('set' as const), key }),
      fc.record({ call: fc.constant('get' as const), key }),
      fc.record({ call: fc.constant('delete' as const), key }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const map = new RecentMap<number>(limit);
        /** The truth: values by key, in the order of use. */
        const used = new Map<string, number>();
        for (const [value, { call, key: name }] of steps.entries()) {
          const known = used.get(name);
          if (call === 'delete') {
            map.delete(name);
            used.delete(name);
          } else if (call === 'set' || (known !== undefined && map.get(name) !== undefined)) {
            if (call === 'set') map.set(name, value);
            used.delete(name);
            used.set(name, call === 'set' ? value : (known ?? value));
          }
          assert.ok(map.size <= 2 * limit, `${map.size} keys`);
        }
        for (const [name, value] of [...used].slice(-limit)) assert.equal(map.get(name), value);
      }),
    );
  });

  it('gives up what was deleted, wherever it was', () => {
    const map = new RecentMap<string>(1);
    map.set('a', '1');
    map.set('b', '2');
    assert.equal(map.get('a'), '1');
    map.delete('a');
    map.delete('b');
    assert.deepEqual([map.get('a'), map.get('b'), map.isEmpty], [undefined, undefined, true]);
  });
});
