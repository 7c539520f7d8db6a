import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { commands, groups } from '../../src/cli/commands/index.ts';
import { binPath } from '../cli/built-program.ts';
import { cli } from './support/cli.ts';

let folder = '';
let casePath = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-frame-'));
  casePath = join(folder, 'none.case.json');
  await writeFile(casePath, '{"version":"1.0.0","caseId":"none","traces":[]}');
});
after(() => rm(folder, { recursive: true, force: true }));

describe('softprobe-proxy --help', () => {
  it('lists every group and every command of one word, each with its summary', async () => {
    const { code, stdout, stderr } = await cli(['--help']);
    assert.equal(code, 0);
    assert.equal(stderr, '');
    // Long summaries are wrapped.
    const text = stdout.replace(/\s+/g, ' ');
    for (const name of Object.keys(commands)) {
      const [first = ''] = name.split(' ');
      const summary = first === name ? (await commands[name]?.())?.summary : groups[first];
      assert.ok(text.includes(` softprobe-proxy ${first} ${summary} `), first);
    }
  });

  it('is what `help` asks for, too', async () => {
    for (const words of [[], ['inspect'], ['session', 'start']]) {
      const [asked, flagged] = await Promise.all([cli(['help', ...words]), cli([...words, '--help'])]);
      assert.equal(asked.stdout, flagged.stdout);
      assert.deepEqual([asked.code, asked.stderr], [0, '']);
    }
  });

  it('lists the commands of a group', async () => {
    const { code, stdout } = await cli(['inspect', '--help']);
    assert.equal(code, 0);
    assert.match(stdout, /softprobe-proxy inspect case +Show the hops/);
    assert.equal(stdout.includes('softprobe-proxy start'), false);
  });

  it('shows usage, flags and examples of every command, loading each', async () => {
    for (const [name, load] of Object.entries(commands)) {
      const command = await load();
      const { code, stdout, stderr } = await cli([...name.split(' '), '--help']);
      assert.equal(code, 0, stderr);
      assert.ok(stdout.startsWith(`softprobe-proxy ${name} `), stdout);
      for (const flag of Object.keys(command.flags ?? {})) assert.ok(stdout.includes(`--${flag} `), flag);
      for (const [line] of command.examples) assert.ok(stdout.includes(`  softprobe-proxy ${line}\n`), line);
      assert.ok(command.examples.length > 0, `${name} has no example`);
    }
  });
});

describe('softprobe-proxy --version', () => {
  it('tells the version of the program and of the interface, wherever it stands', async () => {
    for (const args of [['--version'], ['inspect', 'case', '--version'], ['start', '--version']]) {
      const { code, stdout } = await cli(args);
      assert.equal(code, 0);
      assert.match(stdout, /^softprobe-proxy \d+\.\d+\.\d+\S* \(spec http-control-api@v1\)\n$/);
    }
  });

  it('tells them as a document with --json', async () => {
    const { json } = await cli(['--version', '--json']);
    assert.deepEqual(Object.keys(json).slice(3), ['cliVersion', 'specVersion', 'schemaVersion']);
    assert.equal(json.specVersion, 'http-control-api@v1');
  });
});

describe('a command line', () => {
  it('may have flags of every command before and between its words', async () => {
    for (const args of [
      ['--json', 'inspect', 'case', casePath],
      ['inspect', '--json', 'case', casePath],
      ['--runtime-url', 'http://127.0.0.1:1', 'inspect', 'case', casePath, '--json', '--json'],
    ]) {
      const { code, stdout } = await cli(args);
      assert.equal(code, 0);
      assert.equal(JSON.parse(stdout).caseId, 'none');
    }
  });

  it('takes what stands after -- as arguments, where no other command is to be run', async () => {
    await writeFile(join(folder, '--json'), '{"version":"1.0.0","caseId":"dashes","traces":[]}');
    const { code, stdout } = await cli(['inspect', 'case', '--', '--json'], { cwd: folder });
    assert.equal(code, 0);
    assert.match(stdout, /^case dashes /);
  });

  it('leaves a wrong SOFTPROBE_RUNTIME_URL to the commands that use it', async () => {
    const { code } = await cli(['inspect', 'case', casePath], { env: { SOFTPROBE_RUNTIME_URL: 'nonsense' } });
    assert.equal(code, 0);
  });

  const mistakes: [string[], RegExp][] = [
    [['inspekt'], /unknown command "inspekt" \(did you mean inspect\?\)/],
    [['inspect', 'caze', 'x'], /inspect: unknown command "caze" \(did you mean case\?\)/],
    [['print', 'x'], /unknown command "print" \(did you mean ca print\?\)/],
    [['inspect', 'case', '--josn', 'x'], /unknown flag --josn \(did you mean --json\?\)/],
    [['inspect', 'case', 'x', '--runtime-url'], /--runtime-url: expected a value/],
    [['inspect', 'case', '-x', 'y'], /unknown flag -x/],
    [['inspect', 'case', 'x', '--quiet=1'], /--quiet: expected no value, got "1"/],
  ];
  for (const [args, message] of mistakes) {
    it(`ends with 2 and says why: ${args.join(' ')}`, async () => {
      const text = await cli(args);
      assert.equal(text.code, 2);
      assert.equal(text.stdout, '');
      assert.match(text.stderr, message);
      assert.match(text.stderr, /--help tells what can be said/);
      const { json, stderr } = await cli(['--json', ...args]);
      assert.equal(json.exitCode, 2);
      assert.equal(json.error?.code, 'usage');
      assert.match(json.error?.message ?? '', message);
      assert.match(stderr, message);
    });
  }
});

describe('a reader that has seen enough', () => {
  it('is no error', { skip: process.platform === 'win32' }, async () => {
    const child = spawn(process.execPath, [binPath, 'inspect', 'case', casePath], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = await once(child, 'close');
    assert.equal(code, 0);
    assert.equal(stderr, '');
  });
});
