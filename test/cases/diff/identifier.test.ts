import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formsOf, identifierPairs, withoutIdentifiers } from '../../../src/cases/diff/identifier.ts';

describe('identifiers by which two texts differ', () => {
  const pairs: [string, string, [string, string][]][] = [
    ['8b1a22b1', 'd875f097', [['8b1a22b1', 'd875f097']]],
    ['20eed943f92c', 'fbce8b5a7b0b', [['20eed943f92c', 'fbce8b5a7b0b']]],
    // Hex may happen to have no letter.
    ['58291047', 'd875f097', [['58291047', 'd875f097']]],
    ['/orders/8b1a22b1/lines', '/orders/d875f097/lines', [['8b1a22b1', 'd875f097']]],
    ['ord_8b1a22b1', 'ord_d875f097', [['8b1a22b1', 'd875f097']]],
    ['P-291798', 'P-94', [['P-291798', 'P-94']]],
    ['aZ3kP9qLm2', 'Q8xT1b7Zc4', [['aZ3kP9qLm2', 'Q8xT1b7Zc4']]],
    ['a=%2F8b1a22b1', 'a=%2Fd875f097', [['8b1a22b1', 'd875f097']]],
    ['order 8b1a22b1 waits', 'order d875f097 is', [['8b1a22b1', 'd875f097']]],
  ];
  for (const [left, right, expected] of pairs) {
    it(`are found in ${left} and ${right}`, () => {
      assert.deepEqual(identifierPairs(left, right, false), expected);
    });
  }

  const others: [string, string][] = [
    ['7', '8'],
    ['waiting', 'finished'],
    ['accepted', 'defaced1x'],
    ['address1', 'address2'],
    ['20261120', '20261121'],
    ['1234567', '7654321'],
    ['1920x1080', '2560x1440'],
    ['iPhone14Pro', 'iPhone15Pro'],
    ['sku-1001', 'sku-1002'],
    ['8b1a22b1', 'd875f0971c'],
    ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b', '1b2b0b822cd15d6c15b0f00a08aaaaaaaaaaaaaa'],
    ['8b1a22b1', 'gone/d875f097'],
  ];
  for (const [left, right] of others) {
    it(`are not found in ${left} and ${right}`, () => {
      assert.deepEqual(identifierPairs(left, right, false), []);
    });
  }

  it('are long numbers only where the place is one of ids', () => {
    assert.deepEqual(identifierPairs('48291047', '59302158', true), [['48291047', '59302158']]);
    assert.deepEqual(identifierPairs('48291047', '59302158', false), []);
    assert.deepEqual(identifierPairs('7', '8', true), []);
  });

  it('are known with and without their prefix', () => {
    assert.deepEqual(formsOf('ord_8b1a22b1'), ['ord_8b1a22b1', '8b1a22b1', 'ord', '8b1a22b1']);
  });

  it('are replaced by their shape, words and small numbers are not', () => {
    assert.equal(withoutIdentifiers('/orders/8b1a22b1/lines/7'), '/orders/{id}/lines/7');
    assert.equal(withoutIdentifiers('/u_20eed943f92c'), '/u_{id}');
  });
});
