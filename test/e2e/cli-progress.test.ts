import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { binPath } from '../cli/built-program.ts';
import { CaseFolder, caseOf } from './support/case-folder.ts';

const run = promisify(execFile);

/** `script` of util-linux gives a command a terminal; that of the BSDs takes other arguments. */
const hasTerminal = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux');

/** What a command of the built program shows on a terminal. */
async function shownBy(...args: string[]): Promise<string> {
  const line = [process.execPath, binPath, ...args].map((word) => `'${word}'`).join(' ');
  const { stdout } = await run('script', ['--quiet', '--return', '--command', line, '/dev/null']);
  return stdout;
}

describe('a command on a terminal', { skip: hasTerminal ? false : 'no script of util-linux' }, () => {
  it('says what it is doing, and takes that away before its outcome', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('x.case.json', caseOf({}, {}));
    const har = folder.at('x.har');
    const traces = await folder.write('x.json', JSON.stringify(caseOf({}).traces[0]));
    const reading = `\r\x1b[Kreading ${path} (0.0 MB)`;
    const outcomes: [string[], string, string][] = [
      [['inspect', 'case', path], reading, 'case checkout'],
      [['validate', 'case', path], reading, `${path}: valid`],
      [['diff', path, path], reading, '0 added'],
      [['export', 'har', '--case', path, '--out', har], reading, `${har}: 2 entries`],
      [['import', 'har', har, '--out', folder.at('a')], `reading ${har}`, `${folder.at('a')}: case`],
      [['import', 'otlp', traces, '--out', folder.at('b')], `reading ${traces}`, `${folder.at('b')}: case`],
      [['scrub', '--check', path], `scrubbing ${path}: 2 hops`, `${path}: nothing to hide`],
      [['scrub', path], reading, `${path}: nothing to hide`],
    ];
    for (const [args, doing, outcome] of outcomes) {
      const shown = await shownBy(...args);
      assert.ok(shown.includes(doing), `${args}: ${JSON.stringify(shown)}`);
      assert.ok(shown.includes(`\r\x1b[K${outcome}`), `${args}: ${JSON.stringify(shown)}`);
    }
    assert.equal(await shownBy('validate', 'case', path, '--quiet'), `${path}: valid\r\n`);
  });
});
