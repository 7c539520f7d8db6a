import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UsageError } from '../../src/cli/failure.ts';
import {
  type CommandShape,
  type Flags,
  flagValue,
  flagValues,
  refuseUnknown,
  refuseValuesOfSwitches,
} from '../../src/cli/flags.ts';

const flags: Flags = { 'ingress-port': { type: 'string' }, json: { type: 'boolean' } };
const shape: CommandShape = { flags, words: ['look', 'into'], positionals: ['file'] };

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
    assert.throws(() => refuseUnknown({ _: [], 'ingres-port': '1' }, shape), {
      message: 'unknown flag --ingres-port (did you mean --ingress-port?)',
    });
  });

  it('makes no suggestion where nothing is near', () => {
    assert.throws(() => refuseUnknown({ _: [], zzzzzzzz: '1' }, shape), {
      message: 'unknown flag --zzzzzzzz',
    });
  });

  it('lets known flags, positional words and help pass', () => {
    refuseUnknown({ _: ['look', 'into'], json: true, file: 'x', help: false, h: false, $0: 'p' }, shape);
  });

  it('refuses a word too many', () => {
    assert.throws(() => refuseUnknown({ _: ['look', 'into', 'it'] }, shape), {
      name: 'UsageError',
      message: 'unexpected word "it"',
    });
  });

  it('refuses a value for a flag that takes none', () => {
    assert.throws(() => refuseValuesOfSwitches(['--json=yes'], flags), UsageError);
    assert.throws(() => refuseValuesOfSwitches(['--json='], flags), UsageError);
    refuseValuesOfSwitches(['--json', '--ingress-port=0', '--', '--json=yes'], flags);
  });
});
