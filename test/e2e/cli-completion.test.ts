import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { commands } from '../../src/cli/commands/index.ts';
import { cli } from './support/cli.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-completion-'));
  for (const shell of shells) {
    const { stdout } = await cli(['completion', shell]);
    await writeFile(join(folder, shell), stdout);
  }
});
after(() => rm(folder, { recursive: true, force: true }));

function run(shell: Shell, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(shell, args, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, '');
  return stdout;
}

/** What a shell offers after these words; the last is the beginning that is to be completed. */
function offers(shell: Shell, ...words: string[]): string[] {
  const script = join(folder, shell);
  const line = ['softprobe-proxy', ...words];
  const list = line.map((word) => `'${word}'`).join(' ');
  const text = {
    bash: () =>
      run(
        'bash',
        '--norc',
        '-c',
        `source '${script}'; COMP_WORDS=(${list}); COMP_CWORD=${words.length}; _softprobe_proxy; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ),
    // The real _describe wants a line editor; all it is given is printed instead.
    zsh: () =>
      run(
        'zsh',
        '-f',
        '-c',
        `compdef() {}; _files() { print -l FILES }; _describe() { print -l -- "\${reply[@]%%:*}" }
         source '${script}'; words=(${list}); CURRENT=${words.length + 1}; _softprobe_proxy`,
      ),
    fish: () => run('fish', '--no-config', '-c', `source '${script}'; complete -C '${line.join(' ')}'`),
  }[shell]();
  const names = text.split('\n').map((entry) => entry.split('\t')[0] ?? '');
  return names.filter((name) => name !== '' && name.startsWith(words.at(-1) ?? ''));
}

for (const shell of shells) {
  const isHere = spawnSync(shell, ['--version']).status === 0;
  describe(`softprobe-proxy completion ${shell}`, { skip: isHere ? false : `${shell} is not here` }, () => {
    it('is a script without mistakes', () => {
      run(shell, '-n', join(folder, shell));
    });

    it('offers commands, then what follows them', () => {
      const first = new Set(Object.keys(commands).map((name) => name.split(' ')[0]));
      assert.deepEqual(offers(shell, '').sort(), [...first].sort());
      assert.ok(offers(shell, 'sess').includes('session'));
      assert.ok(offers(shell, 'session', 'st').includes('stats'));
      assert.deepEqual(offers(shell, 'session', 'rules', ''), ['apply']);
    });

    it('offers the flags of a command', () => {
      assert.deepEqual(offers(shell, 'session', 'start', '--mo'), ['--mode']);
      assert.ok(offers(shell, 'session', 'start', '--js').includes('--json'));
      assert.deepEqual(offers(shell, 'session', 'list', '--mo'), []);
    });

    it('knows which flags take a value', () => {
      assert.deepEqual(offers(shell, '--runtime-url', 'session', 'session', 'rules', ''), ['apply']);
      assert.equal(offers(shell, 'session', 'start', '--mode', '').includes('session'), false);
    });
  });
}

describe('softprobe-proxy completion', () => {
  it('tells the same in JSON', async () => {
    const { json } = await cli(['completion', 'fish', '--json']);
    assert.equal(json.shell, 'fish');
    assert.match(String(json.script), /^# fish completion/);
  });

  it('ends with 2 for another shell', async () => {
    assert.match(
      (await cli(['completion', 'tcsh'])).stderr,
      /<shell>: expected one of bash, zsh, fish, got "tcsh"/,
    );
    assert.equal((await cli(['completion'])).code, 2);
  });
});
