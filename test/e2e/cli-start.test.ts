import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startFlags } from '../../src/cli/start/flags.ts';
import { anyPorts, BuiltProgram, runProgram } from '../cli/built-program.ts';
import { checkJson } from './support/cli.ts';

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-start-'));
});
after(() => rm(folder, { recursive: true, force: true }));

const start = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  new BuiltProgram(['start', '--capture-dir', folder, ...anyPorts, ...args], { env });

describe('softprobe-proxy start', () => {
  it('prints where everything listens as its first line of JSON, and nothing else on stdout', async () => {
    await using program = start(['--json']);
    const ready = await program.ready();
    const url = /^http:\/\/127\.0\.0\.1:\d+$/;
    assert.deepEqual(Object.keys(ready), ['event', 'ingress', 'egress', 'control', 'admin']);
    assert.equal((ready as Record<string, unknown>).event, 'ready');
    for (const name of ['ingress', 'egress', 'control', 'admin'] as const) {
      assert.deepEqual(Object.keys(ready[name]), ['url']);
      assert.match(ready[name].url, url);
    }
    assert.equal((await fetch(`${ready.admin.url}/ready`)).status, 200);
    assert.equal((await fetch(`${ready.control.url}/health`)).status, 200);
    program.kill('SIGTERM');
    const { code, stdout } = await program.ended;
    assert.equal(code, 0);
    assert.equal(stdout, `${JSON.stringify(ready)}\n`);
  });

  it('tells a person where everything listens and what to do next, without colours in a pipe', async () => {
    await using program = new BuiltProgram(['--capture-dir', folder, ...anyPorts]);
    await program.printed('stdout', /Ctrl-C/);
    program.kill('SIGINT');
    const { code, stdout } = await program.ended;
    assert.equal(code, 0);
    for (const name of ['ingress', 'egress', 'control', 'admin']) {
      assert.match(stdout, new RegExp(`^  ${name} +http://127\\.0\\.0\\.1:\\d+ `, 'm'));
    }
    assert.match(stdout, /export HTTP_PROXY=http:\/\/127\.0\.0\.1:\d+/);
    assert.equal(stdout.includes('\u001b'), false);
  });

  it('takes the app from APP_URL and demands the token of SOFTPROBE_API_TOKEN', async () => {
    await using program = start([], { APP_URL: 'http://127.0.0.1:4567', SOFTPROBE_API_TOKEN: 'secret' });
    const [text] = await program.printed('stdout', /[\s\S]*Ctrl-C/);
    assert.match(text, /it forwards to http:\/\/127\.0\.0\.1:4567/);
    assert.equal(text.includes('secret'), false);
    const control = /control +(\S+)/.exec(text)?.[1];
    assert.equal((await fetch(`${control}/v1/sessions`)).status, 401);
    const headers = { authorization: 'Bearer secret' };
    assert.equal((await fetch(`${control}/v1/sessions`, { headers })).status, 200);
  });

  it('warns when its listeners can be reached from other machines', async () => {
    await using program = start(['--host', '0.0.0.0']);
    await program.printed('stderr', /--host 0\.0\.0\.0: .*open proxy/);
  });

  it('prints its version with that of the interface', async () => {
    const { code, stdout } = await runProgram(['--version']);
    assert.equal(code, 0);
    assert.match(stdout, /^softprobe-proxy \d+\.\d+\.\d+\S* \(spec http-control-api@v1\)\n$/);
  });

  it('shows every flag in its help', async () => {
    for (const args of [
      ['start', '--help'],
      ['-h', 'start'],
    ]) {
      const { code, stdout } = await runProgram(args);
      assert.equal(code, 0);
      for (const flag of Object.keys(startFlags)) assert.match(stdout, new RegExp(`--${flag}\\b`));
    }
  });
});

describe('a command line that cannot be understood', () => {
  const mistakes: [string, string[], RegExp][] = [
    [
      'an unknown flag',
      ['--ingres-port', '1'],
      /unknown flag --ingres-port \(did you mean --ingress-port\?\)/,
    ],
    ['an unknown command', ['strat'], /unknown command "strat" \(did you mean start\?\)/],
    ['a word too many', ['start', 'now'], /unexpected word "now"/],
    ['a flag without its value', ['--host'], /host/],
    ['a bad app URL', ['--app-url', 'localhost:3000'], /^softprobe-proxy: --app-url: expected /],
    ['a bad upstream', ['--upstream', 'ftp://x'], /^softprobe-proxy: --upstream: expected /],
    ['a port that is none', ['--egress-port', '70000'], /^softprobe-proxy: --egress-port: expected /],
    ['an empty port', ['--egress-port='], /^softprobe-proxy: --egress-port: expected /],
    ['a negative port', ['--egress-port', '-1'], /--?(egress-port|1)/],
    [
      'a size without sense',
      ['--max-recorded-body', '1 MB'],
      /^softprobe-proxy: --max-recorded-body: expected /,
    ],
    ['a time without sense', ['--session-ttl', 'soon'], /^softprobe-proxy: --session-ttl: expected /],
    ['no time to connect', ['--connect-timeout', '0'], /^softprobe-proxy: --connect-timeout: expected /],
    ['a log level that is none', ['--log-level', 'loud'], /^softprobe-proxy: --log-level: expected one of /],
    ['a value for a switch', ['--json=yes'], /^softprobe-proxy: --json: expected no value/],
    ['a prefix that yargs would negate', ['--no-json'], /unknown flag --no-json/],
    ['a name of the prototype', ['--__proto__', 'x'], /unknown flag/],
  ];
  for (const [what, args, message] of mistakes) {
    it(`ends with 2 and says why: ${what}`, async () => {
      const { code, stdout, stderr } = await runProgram(args);
      assert.match(stderr, message);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.equal(/^ +at /m.test(stderr), false, 'no stack');
    });
  }
});

describe('a place that cannot be had', () => {
  for (const name of ['ingress', 'egress', 'control', 'admin']) {
    it(`ends with 1 and names --${name}-port when that port is in use`, async () => {
      const occupant = createServer().listen(0, '127.0.0.1');
      await once(occupant, 'listening');
      const { port } = occupant.address() as AddressInfo;
      try {
        const flag = `--${name}-port`;
        const others = anyPorts.filter((_, at) => ![flag].includes(anyPorts[at - (at % 2)] ?? ''));
        const { code, stdout, stderr } = await runProgram(['--json', ...others, flag, String(port)], {
          cwd: folder,
        });
        assert.equal(code, 1, stderr);
        assert.equal(checkJson(['start'], code, stdout).error?.code, 'listen_failed');
        assert.match(
          stderr,
          new RegExp(`^softprobe-proxy: ${flag}: the ${name} listener cannot use port ${port}, another`),
        );
      } finally {
        occupant.close();
      }
    });
  }

  it('ends with 1 and names --host when the machine has no such address', async () => {
    const { code, stderr } = await runProgram([...anyPorts, '--host', '192.0.2.1', '--capture-dir', folder]);
    assert.equal(code, 1, stderr);
    assert.match(stderr, /--host: this machine has no address 192\.0\.2\.1/);
  });

  it('ends with 1 and names --capture-dir when that is a file', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const { code, stdout, stderr } = await runProgram([...anyPorts, '--capture-dir', file]);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^softprobe-proxy: --capture-dir: .*file is not a folder/);
  });

  it('ends with 1 and names --capture-dir when nothing can be written there', {
    skip: process.platform !== 'linux',
  }, async () => {
    const { code, stderr } = await runProgram([...anyPorts, '--capture-dir', '/proc/self/captures']);
    assert.equal(code, 1);
    assert.match(stderr, /^softprobe-proxy: --capture-dir: \/proc\/self\/captures cannot be written/);
  });

  it('ends with 1 and names SOFTPROBE_CAPTURE_CASE_PATH when that is a folder', async () => {
    const { code, stderr } = await runProgram([...anyPorts, '--capture-dir', folder], {
      env: { SOFTPROBE_CAPTURE_CASE_PATH: folder },
    });
    assert.equal(code, 1);
    assert.match(stderr, /^softprobe-proxy: SOFTPROBE_CAPTURE_CASE_PATH: .* is a folder/);
  });

  it('leaves no folder behind when it only started and stopped', async () => {
    await using program = new BuiltProgram(['--json', ...anyPorts, '--capture-dir', join(folder, 'later')]);
    await program.ready();
    program.kill('SIGTERM');
    assert.equal((await program.ended).code, 0);
    await assert.rejects(access(join(folder, 'later')));
    assert.equal(
      (await readdir(folder)).some((name) => name.startsWith('.softprobe')),
      false,
    );
  });
});
