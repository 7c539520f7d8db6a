import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CaseDocument } from '../../src/cases/index.ts';
import { BuiltProgram } from '../cli/built-program.ts';
import { checkJson, cli } from './support/cli.ts';
import { read } from './support/control-client.ts';
import { Program } from './support/program.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

let folder = '';
let origin: ScriptedOrigin;
let program: Program;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-capture-run-'));
  origin = await ScriptedOrigin.listen();
  program = await Program.start(origin.url);
});
after(async () => {
  await program[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A driver that calls the ingress once, with a secret, and then does what the line says. */
function driver(then = ''): string {
  const call = `const headers = { 'x-softprobe-session-id': process.env.SOFTPROBE_SESSION_ID, 'x-mine': 'hush' };
    await (await fetch(process.env.SOFTPROBE_INGRESS_URL + '/driven', { headers })).text();
    console.log('driven'); ${then}`;
  return `"${process.execPath}" --input-type=module -e "${call.replaceAll('\n', ' ')}"`;
}

function line(out: string, command: string, ...more: string[]): string[] {
  const flags = ['--runtime-url', program.control, '--out', join(folder, out)];
  return ['capture', 'run', ...flags, '--driver', command, ...more];
}

async function caseIn(name: string): Promise<CaseDocument> {
  return JSON.parse(await readFile(join(folder, name), 'utf8'));
}

async function openSessions(): Promise<unknown> {
  return (await read(`${program.control}/v1/sessions`)).sessions;
}

describe('softprobe-proxy capture run', () => {
  it('records what the driver does, and writes the case', async () => {
    const { code, stdout, stderr } = await cli(line('said.case.json', driver()));
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^driven\n1 hop recorded\n/);
    assert.match(stdout, new RegExp(`\ncase ${join(folder, 'said.case.json')}\n$`));
    const document = await caseIn('said.case.json');
    assert.equal(document.caseId, 'said');
    assert.equal(document.traces.length, 1);
    assert.deepEqual(await openSessions(), []);
  });

  it('says so when nothing was recorded, and what the driver has to send', async () => {
    const { code, stderr } = await cli(line('nothing.case.json', 'true'));
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^warning: nothing was recorded: .* x-softprobe-session-id: /m);
  });

  it('keeps stdout for its one document with --json', async () => {
    const { json, stderr } = await cli(line('told.case.json', driver(), '--json', '--case-id', 'mine'));
    assert.equal(json.driverExitCode, 0);
    assert.equal(json.capturePath, join(folder, 'told.case.json'));
    assert.equal((json.stats as Record<string, unknown>).extractedSpans, 1);
    assert.match(stderr, /^driven$/m);
    assert.equal((await caseIn('told.case.json')).caseId, 'mine');
  });

  it('writes the case also when the driver fails, and ends with 1', async () => {
    const { json } = await cli(line('failed.case.json', driver('process.exit(7);'), '--json'));
    assert.deepEqual([json.exitCode, json.driverExitCode, json.error?.code], [1, 7, 'driver_failed']);
    assert.match(json.error?.message ?? '', /exit code 7/);
    assert.equal((await caseIn('failed.case.json')).traces.length, 1);
  });

  it('stops a driver that takes too long', async () => {
    const command = driver('setInterval(() => {}, 1000);');
    const { json } = await cli(line('late.case.json', command, '--timeout', '1500ms', '--json'));
    assert.deepEqual([json.exitCode, json.driverExitCode, json.error?.code], [1, 143, 'driver_timeout']);
    assert.deepEqual(await openSessions(), []);
  });

  it('closes the session, stops the driver and writes the case on Ctrl-C', async () => {
    const pidFile = join(folder, 'pid');
    const save = `(await import('node:fs')).writeFileSync('${pidFile}', String(process.pid));`;
    const args = line(
      'stopped.case.json',
      driver(`${save} console.error('up'); setInterval(() => {}, 1000);`),
      '--json',
    );
    await using running = new BuiltProgram(args);
    await running.printed('stderr', /^up$/m);
    running.kill('SIGINT');
    const { code, stdout } = await running.ended;
    const json = checkJson(args, code, stdout);
    assert.deepEqual([json.exitCode, json.error?.code], [1, 'interrupted']);
    assert.equal((await caseIn('stopped.case.json')).traces.length, 1);
    assert.deepEqual(await openSessions(), []);
    const pid = Number(await readFile(pidFile, 'utf8'));
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  it('hides what --redact-file names', async () => {
    const hide = join(folder, 'hide.yaml');
    await writeFile(hide, 'redactHeaders: [x-mine]\n');
    const { code, stderr } = await cli(line('hidden.case.json', driver(), '--redact-file', hide));
    assert.equal(code, 0, stderr);
    const text = await readFile(join(folder, 'hidden.case.json'), 'utf8');
    assert.match(text, /http\.request\.header\.x-mine/);
    assert.equal(text.includes('hush'), false);
  });

  it('says what is wrong with --redact-file before anything runs', async () => {
    const hide = join(folder, 'wrong.yaml');
    await writeFile(hide, 'redactHeader: [x-mine]\n');
    const { json, stderr } = await cli(line('never.case.json', driver(), '--redact-file', hide, '--json'));
    assert.equal(json.exitCode, 5);
    assert.match(
      json.error?.message ?? '',
      /wrong\.yaml is not valid:\n {2}line 1: \/redactHeader: unknown key/,
    );
    assert.equal(stderr.includes('driven'), false);
    assert.deepEqual(await openSessions(), []);
  });

  it('runs nothing when --out cannot be written', async () => {
    const { json, stderr } = await cli(line('no/such.case.json', driver(), '--json'));
    assert.deepEqual([json.exitCode, json.error?.code], [1, 'unwritable_file']);
    assert.ok(
      json.error?.message.includes(`(there is no folder ${join(folder, 'no')})`),
      json.error?.message,
    );
    assert.equal(stderr.includes('driven'), false);
  });

  it('runs nothing when no runtime answers, and leaves nothing behind', async () => {
    const args = ['capture', 'run', '--runtime-url', 'http://127.0.0.1:1', '--driver', driver(), '--json'];
    const { json, stderr } = await cli([...args, '--out', join(folder, 'nobody.case.json')]);
    assert.deepEqual([json.exitCode, json.error?.code], [3, 'runtime_unreachable']);
    assert.equal(stderr.includes('driven'), false);
    const left = (await readdir(folder)).filter((name) => name.includes('nobody') || name.endsWith('.tmp'));
    assert.deepEqual(left, []);
  });

  const mistakes: [string[], RegExp][] = [
    [['--out', 'x.case.json'], /--driver: this flag is needed/],
    [['--driver', 'true'], /--out: this flag is needed/],
    [['--driver', 'true', '--out', 'x', '--timeout', 'long'], /--timeout: expected a time/],
    [['--driver', 'true', '--out', 'x', '--ingress-url', 'here'], /--ingress-url: expected an http/],
  ];
  for (const [flags, message] of mistakes) {
    it(`ends with 2: ${flags.join(' ')}`, async () => {
      const { code, stderr } = await cli(['capture', 'run', ...flags], { cwd: folder });
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});
