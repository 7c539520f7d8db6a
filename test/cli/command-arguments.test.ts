import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Command } from '../../src/cli/command.ts';
import { parseArguments } from '../../src/cli/command-arguments.ts';

const command: Command = {
  words: ['look'],
  summary: '',
  examples: [],
  positionals: [
    { name: 'first', describe: '' },
    { name: 'files', describe: '', isList: true },
  ],
  flags: {
    'no-look': { type: 'boolean' },
    port: { type: 'string', requiresArg: true },
    header: { type: 'string', array: true, requiresArg: true },
  },
  run: async () => 0,
};
const runner: Command = { ...command, positionals: [], takesRest: true };

describe('the arguments of a command', () => {
  it('come as text, numbers too', () => {
    const { args } = parseArguments(command, ['007', '1e3', '--port', '0x10']);
    assert.deepEqual([args.first, args.files, args.port], ['007', ['1e3'], '0x10']);
  });

  it('keep a flag that begins with no- and one with dots as they are', () => {
    assert.equal(parseArguments(command, ['a', 'b', '--no-look']).args['no-look'], true);
    assert.throws(() => parseArguments(command, ['a', 'b', '--port.x', '1']), /unknown flag --port\.x/);
  });

  it('take several values of a list', () => {
    assert.deepEqual(parseArguments(command, ['a', 'b', '--header', 'x', 'y']).args.header, ['x', 'y']);
  });

  it('name what is missing', () => {
    assert.throws(() => parseArguments(command, ['a']), { message: '<files>: this argument is missing' });
    assert.throws(() => parseArguments(command, ['a', 'b', '--port']), {
      message: '--port: expected a value',
    });
    assert.throws(() => parseArguments(command, ['a', 'b', '--header', '--port', '1']), {
      message: '--header: expected a value',
    });
  });

  it('tell of an argument that was given as a flag', () => {
    assert.throws(() => parseArguments(command, ['--first', 'a', 'b']), {
      message: 'unknown flag --first: <first> is given by its place, as in look <first> <files..>',
    });
    assert.throws(() => parseArguments(command, ['a', '--file', 'b']), {
      message: 'unknown flag --file: <files> is given by its place, as in look <first> <files..>',
    });
  });

  it('leave a command to run alone', () => {
    const { args, rest } = parseArguments(runner, [
      '--port',
      '1',
      '--',
      'node',
      '-e',
      '1',
      '--json',
      '--',
      '-x',
    ]);
    assert.deepEqual(rest, ['node', '-e', '1', '--json', '--', '-x']);
    assert.equal(args.json, undefined);
  });

  it('refuse words that nobody expects', () => {
    assert.throws(() => parseArguments(runner, ['node']), { message: 'unexpected word "node"' });
  });

  it('refuse names of the prototype', () => {
    assert.throws(() => parseArguments(runner, ['--__proto__', 'x']), /unknown flag/);
    assert.throws(() => parseArguments(runner, ['--constructor', 'x']), /unknown flag --constructor/);
    assert.throws(() => parseArguments(runner, ['--toString=x']), /unknown flag --toString/);
  });
});
