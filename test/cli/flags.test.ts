import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/cli/failure.ts';
import {
  type Flags,
  flagValue,
  flagValues,
  refuseUnknown,
  refuseValuesOfSwitches,
} from '../../src/cli/flags.ts';

const flags: Flags = { 'ingress-port': { type: 'string' }, json: { type: 'boolean', alias: 'j' } };

describe('flags', () => {
  it('gives undefined for a flag that was not given', () => {
    assert.equal(flagValue({ _: [] }, 'app-url'), undefined);
    assert.deepEqual(flagValues({ _: [] }, 'app-url'), []);
  });

  it('refuses a single flag that was given twice', () => {
    assert.throws(() => flagValue({ _: [], 'app-url': ['a', 'b'] }, 'app-url'), {
      name: 'UsageError',
      message: '--app-url: expected once, got 2 times',
    });
  });

  it('names the nearest flag when one is misspelt', () => {
    assert.throws(() => refuseUnknown({ 'ingres-port': '1' }, flags), {
      message: 'unknown flag --ingres-port (did you mean --ingress-port?)',
    });
  });

  it('makes no suggestion where nothing is near', () => {
    assert.throws(() => refuseUnknown({ zzzzzzzz: '1' }, flags), {
      message: 'unknown flag --zzzzzzzz',
    });
  });

  it('lets known flags and their short forms pass', () => {
    refuseUnknown({ json: true, j: true, $0: 'p' }, flags);
  });

  it('refuses a value for a flag that takes none', () => {
    assert.throws(() => refuseValuesOfSwitches(['--json=yes'], flags), UsageError);
    assert.throws(() => refuseValuesOfSwitches(['--json='], flags), UsageError);
    refuseValuesOfSwitches(['--json', '--ingress-port=0', '--', '--json=yes'], flags);
  });
});
