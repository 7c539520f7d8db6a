import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { commonShare, describeDifference } from '../../src/cases/text-likeness.ts';

describe('commonShare', () => {
  it('is what two texts share at both ends, of the length of the longer', () => {
    assert.equal(commonShare('/v1/charges', '/v1/charges'), 1);
    assert.equal(commonShare('abcd', 'abxd'), 3 / 4);
    assert.equal(commonShare('abcd', 'abc'), 3 / 4);
    assert.equal(commonShare('', 'abc'), 0);
    assert.equal(commonShare('aa', 'aaaa'), 1 / 2);
  });

  it('is symmetric, between 0 and 1, and 1 for equal texts only', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '/'), maxLength: 8 });
    fc.assert(
      fc.property(text, text, (left, right) => {
        const share = commonShare(left, right);
        assert.equal(share, commonShare(right, left));
        assert.ok(share >= 0 && share <= 1);
        assert.equal(share === 1, left === right);
      }),
    );
  });
});

describe('describeDifference', () => {
  const rows: [expected: string, actual: string, description: string | undefined][] = [
    ['/Users', '/users', 'only upper and lower case differ'],
    ['/users/', '/users', 'only the slash at the end is missing'],
    ['/users', '/users/', 'only the slash at the end is too much'],
    ['/a b', '/a%20b', 'only the percent-encoding differs; it counts'],
    ['/a%2', '/a%3', undefined],
    ['/users', '/orders', undefined],
    [
      `/${'a'.repeat(50)}/left`,
      `/${'a'.repeat(50)}/right`,
      'the first 52 characters agree; then "left" is expected, not "right"',
    ],
  ];
  for (const [expected, actual, description] of rows) {
    it(`of ${expected} and ${actual} is: ${description}`, () =>
      assert.equal(describeDifference(expected, actual), description));
  }
});
