import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readCommandLine } from '../../src/cli/command-line.ts';
import { type CommandIndex, commands, groups } from '../../src/cli/commands/index.ts';

const never = () => Promise.reject(new Error('not loaded here'));
const index: CommandIndex = {
  start: never,
  run: never,
  'session stats': never,
  'session rules apply': never,
};
const read = (...line: string[]) => readCommandLine(line, index);

describe('the words of a command line', () => {
  it('go as deep as there are commands', () => {
    assert.deepEqual(read('session', 'rules', 'apply', 'f').words, ['session', 'rules', 'apply']);
    assert.equal(read('session', 'rules', 'apply', 'f').nextWord, 'f');
  });

  it('may stop at a group', () => {
    assert.deepEqual(read('session', 'rules').words, ['session', 'rules']);
    assert.equal(read('session', 'rule').nextWord, 'rule');
  });

  it('are no beginnings of words', () => {
    assert.deepEqual(read('sess', 'stats').words, []);
  });

  it('end at the first flag that is not of every command', () => {
    const { words, others, nextWord } = read('session', '--session', 'stats', 'stats');
    assert.deepEqual(words, ['session']);
    assert.deepEqual(others, ['--session', 'stats', 'stats']);
    assert.equal(nextWord, undefined);
  });

  it('may have flags of every command, with their values, among them', () => {
    const { words, others } = read('--json', 'session', '--runtime-url', 'start', 'stats', '--runtime-url=x');
    assert.deepEqual(words, ['session', 'stats']);
    assert.deepEqual(others, ['--json', '--runtime-url', 'start', '--runtime-url=x']);
  });

  it('are not looked for after --', () => {
    const { words, others, asks } = read('run', '--', 'session', '--json', '--help', '--version');
    assert.deepEqual(words, ['run']);
    assert.deepEqual(others, ['--', 'session', '--json', '--help', '--version']);
    assert.deepEqual(asks, { help: false, version: false, json: false });
  });

  it('are no names of the prototype', () => {
    assert.deepEqual(read('constructor').words, []);
    assert.deepEqual(read('__proto__').words, []);
  });
});

describe('the list of commands', () => {
  it('has each command under its own words', async () => {
    for (const [name, load] of Object.entries(commands)) {
      assert.equal((await load()).words.join(' '), name);
    }
  });

  it('has a schema for what each prints with --json', () => {
    // `start` prints where it listens; `validate config` has nothing to tell but that there is no such thing.
    const printing = Object.keys(commands).filter((name) => !['start', 'validate config'].includes(name));
    for (const name of printing) {
      const file = `cli/${name.replaceAll(' ', '-')}.schema.json`;
      const schema = JSON.parse(readFileSync(new URL(`../../schemas/${file}`, import.meta.url), 'utf8'));
      assert.equal(schema.$id, file);
    }
  });

  it('says what every group is about', () => {
    const first = Object.keys(commands)
      .filter((name) => name.includes(' '))
      .map((name) => name.split(' ')[0]);
    assert.deepEqual(Object.keys(groups).sort(), [...new Set(first)].sort());
  });
});
