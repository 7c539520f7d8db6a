import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readCaseFile } from '../../src/index.ts';
import { BuiltProgram, binPath, runProgram } from '../cli/built-program.ts';
import { checkJson } from './support/cli.ts';
import { CountingOrigin } from './support/counting-origin.ts';
import { attribute, spansOf } from './support/recorded-spans.ts';
import { TestAuthority } from './support/test-authority.ts';

let folder = '';
let env: NodeJS.ProcessEnv = {};
let authority: TestAuthority;
/** PEM file of the authority of the test's origins. */
let upstreamCa = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-run-test-'));
  // Temporary files of the program go where they can be looked for.
  env = { SOFTPROBE_CA_DIR: join(folder, 'ca'), TMPDIR: folder };
  authority = await TestAuthority.create();
  upstreamCa = join(folder, 'upstream-ca.pem');
  await writeFile(upstreamCa, authority.certificate);
});
after(() => rm(folder, { recursive: true, force: true }));

const node = process.execPath;
const run = (...args: string[]) => runProgram(['run', ...args], { env });
const leftovers = async () => (await readdir(folder)).filter((name) => /^softprobe-run-(?!test)/.test(name));

function isMissing(program: string, flag = '--version'): boolean {
  try {
    execFileSync(program, [flag], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
}

describe('softprobe-proxy run', () => {
  it('ends with the exit code of the command, whose output is untouched', async () => {
    const { code, stdout } = await run('--', 'sh', '-c', 'echo out; exit 7');
    assert.equal(code, 7);
    assert.equal(stdout, 'out\n');
  });

  it('ends with 128 and the number of the signal that ended the command', async () => {
    assert.equal((await run('--', 'sh', '-c', 'kill -KILL $$')).code, 128 + 9);
  });

  it('lets the command finish, and writes the capture, when nobody reads stderr any more', async () => {
    const file = join(folder, 'unread.case.json');
    const program = spawn(node, [binPath, 'run', '--capture', file, '--', 'sh', '-c', 'read line; exit 3'], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    await once(program.stderr, 'data');
    program.stderr.destroy();
    await once(program.stderr, 'close');
    program.stdin.end('go on\n');
    const [code] = await once(program, 'close');
    assert.equal(code, 3);
    await access(file);
  });

  it('hands the words of the command on as they are', async () => {
    const words = ['a b', '$HOME', '--capture', '*', ''];
    const { stdout } = await run('--', node, '-p', 'JSON.stringify(process.argv.slice(1))', '--', ...words);
    assert.deepEqual(JSON.parse(stdout), words);
  });

  it('says nothing of its own with --quiet', async () => {
    const { stderr } = await run('--quiet', '--capture', join(folder, 'quiet.json'), '--', 'true');
    assert.equal(stderr, '');
  });

  it('leaves no temporary files', async () => {
    const { stdout } = await run('--', 'sh', '-c', 'echo "$SSL_CERT_FILE"; test -s "$SSL_CERT_FILE"');
    assert.ok(stdout.startsWith(folder), stdout);
    assert.deepEqual(await leftovers(), []);
  });

  it('shows its temporary files to nobody else', async () => {
    const { code, stdout } = await run('--', 'sh', '-c', 'stat -c %a "$(dirname "$SSL_CERT_FILE")"');
    assert.equal(code, 0);
    assert.equal(stdout, '700\n');
  });

  it('keeps what the user trusts and what Java was told', async () => {
    const extra = { NODE_EXTRA_CA_CERTS: upstreamCa, JAVA_TOOL_OPTIONS: '-Dx=y' };
    const script = 'cat "$NODE_EXTRA_CA_CERTS"; echo "$JAVA_TOOL_OPTIONS"';
    const { stdout } = await runProgram(['run', '--', 'sh', '-c', script], { env: { ...env, ...extra } });
    assert.ok(stdout.includes(authority.certificate.trim()));
    assert.match(stdout, /^-Dx=y -Dhttp\.proxyHost=127\.0\.0\.1 /m);
  });

  it('trusts upstreams that the command trusted before', async () => {
    await using origin = await CountingOrigin.listen(await authority.server());
    const { code, stderr } = await runProgram(['run', '--', 'curl', '-sSf', `${origin.url}/next`], {
      env: { ...env, SSL_CERT_FILE: upstreamCa },
    });
    assert.equal(code, 0, stderr);
  });

  it('tells the command where ingress and control are, and the session', async () => {
    const script = 'console.log(JSON.stringify(process.env))';
    const { stdout } = await run('--capture', join(folder, 'told.json'), '--', node, '-e', script);
    const told = JSON.parse(stdout);
    assert.match(told.SOFTPROBE_INGRESS_URL, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(told.SOFTPROBE_RUNTIME_URL, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.match(told.SOFTPROBE_SESSION_ID, /^sess_/);
    assert.equal(new URL(told.HTTPS_PROXY).username, told.SOFTPROBE_SESSION_ID);
  });

  it('forgets the session of another proxy', async () => {
    const script = 'echo "<$SOFTPROBE_SESSION_ID>"';
    const { stdout } = await runProgram(['run', '--', 'sh', '-c', script], {
      env: { ...env, SOFTPROBE_SESSION_ID: 'sess_other' },
    });
    assert.equal(stdout, '<>\n');
  });

  it('records at the exact path that is asked for', async () => {
    const file = join(folder, 'new', 'sub', 'odd name');
    assert.equal((await run('--capture', file, '--', 'true')).code, 0);
    assert.equal((await stat(file)).isFile(), true);
    assert.equal((await readCaseFile(file)).caseId, 'odd name');
  });

  it('tunnels HTTPS untouched with --no-intercept', async () => {
    await using origin = await CountingOrigin.listen(await authority.server());
    const args = ['--no-intercept', '--', 'curl', '-sS', '--cacert', upstreamCa, `${origin.url}/next`];
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^number 1/);
  });
});

describe('a command that cannot be run', () => {
  it('ends with 127 when it is not there, and writes nothing', async () => {
    const file = join(folder, 'never.json');
    const { code, stderr } = await run('--capture', file, '--', 'no-such-command');
    assert.equal(code, 127);
    assert.match(stderr, /run: there is no command "no-such-command"/);
    await assert.rejects(access(file));
  });

  it('ends with 126 when it is not executable', async () => {
    const file = join(folder, 'plain.txt');
    await writeFile(file, 'text');
    const { code, stderr } = await run('--', file);
    assert.equal(code, 126);
    assert.match(stderr, /is not executable/);
  });

  it('ends with 126 when its interpreter is not there', async () => {
    const file = join(folder, 'script');
    await writeFile(file, '#!/no/such/interpreter\n');
    await chmod(file, 0o755);
    const { code, stderr } = await run('--', file);
    assert.ok(code === 126 || code === 127, stderr);
    assert.equal(/^ +at /m.test(stderr), false, 'no stack');
  });

  it('ends with 2 when there is none', async () => {
    const { code, stderr } = await run('--capture', 'x.json');
    assert.equal(code, 2);
    assert.match(stderr, /run: expected a command after --/);
  });
});

describe('a place that cannot be written', () => {
  it('ends with 1 before the command is run', async () => {
    const { code, stdout, stderr } = await run('--capture', folder, '--', 'echo', 'ran');
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^softprobe-proxy: --capture: .* is a folder/);
  });
});

describe('a replay', () => {
  it('refuses what was not recorded, tells what was nearest, and ends with 6', async () => {
    const file = await recordNext();
    const { code, stdout, stderr } = await run('--replay', file, '--', 'curl', '-s', 'http://never.test/nxt');
    assert.equal(code, 6, stderr);
    assert.match(stdout, /"strict_miss"/);
    assert.match(stderr, /refused 1 call/);
    assert.match(stderr, /GET +http:\/\/never\.test\/nxt +GET \/next: .*path was \/next, is \/nxt/);
  });

  it('ends with the exit code of a command that failed, whatever was refused', async () => {
    const { code, stderr } = await run(
      '--replay',
      await recordNext(),
      '--',
      'curl',
      '-sf',
      'http://never.test/',
    );
    assert.equal(code, 22);
    assert.match(stderr, /refused 1 call/);
  });

  it('lets nothing out to this machine either', async () => {
    await using origin = await CountingOrigin.listen();
    assert.equal((await run('--replay', await recordNext(), '--', 'curl', '-s', origin.url)).code, 6);
    assert.equal(origin.count, 0);
  });

  it('answers calls whose bodies change from run to run in recorded order, where that is asked for', async () => {
    const file = join(folder, 'ids.case.json');
    // Each run sends other bodies.
    const calls = ['first', 'second']
      .map((name) => `curl -s -d "${name} $$ $(date +%N)" "$0/echo"`)
      .join('; ');
    await using origin = await CountingOrigin.listen();
    const recorded = await run('--capture', file, '--', 'sh', '-c', calls, origin.url);
    await origin[Symbol.asyncDispose]();
    assert.match(recorded.stdout, /you said first.*you said second/);
    const replay = (...flags: string[]) =>
      run('--replay', file, ...flags, '--', 'sh', '-c', calls, origin.url);
    assert.equal((await replay()).code, 6);
    const replayed = await replay('--unknown-body', 'recorded-order');
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.equal(replayed.stdout, recorded.stdout);
  });

  it('tells the same as JSON, with the output of the command on stderr', async () => {
    const file = await recordNext();
    const { code, stdout, stderr } = await run(
      '--json',
      '--replay',
      file,
      '--',
      'curl',
      '-s',
      'http://never.test/',
    );
    assert.equal(code, 6);
    assert.match(stderr, /"strict_miss"/);
    const { status, error, commandExitCode, refused, misses } = checkJson(['run'], code, stdout);
    assert.deepEqual([status, error?.code, commandExitCode, refused], ['fail', 'strict_misses', 0, 1]);
    assert.equal((misses as { url: string }[])[0]?.url, 'http://never.test/');
  });

  it('ends with 5 for a file that is no case, and with 1 for none', async () => {
    const file = join(folder, 'no-case.json');
    await writeFile(file, '{}');
    assert.equal((await run('--replay', file, '--', 'true')).code, 5);
    assert.equal((await run('--replay', join(folder, 'none.json'), '--', 'true')).code, 1);
  });

  /** A case with one call of /next. */
  async function recordNext(): Promise<string> {
    await using origin = await CountingOrigin.listen();
    const file = join(folder, 'next.case.json');
    const { code, stderr } = await run('--capture', file, '--', 'curl', '-s', `${origin.url}/next`);
    assert.equal(code, 0, stderr);
    return file;
  }
});

describe('a capture of an earlier run', () => {
  it('is as it was where a service never came up', async () => {
    await using origin = await CountingOrigin.listen();
    const file = join(folder, 'earlier.case.json');
    const next = ['--', 'curl', '-s', `${origin.url}/next`];
    assert.equal((await run('--capture', file, ...next)).code, 0);
    const before = await readFile(file, 'utf8');
    const { code, stderr } = await run('--capture', file, '--driver', 'true', '--', 'sh', '-c', 'exit 3');
    assert.equal(code, 3, stderr);
    assert.match(stderr, /nothing was recorded: the capture that was there before is back/);
    assert.equal(await readFile(file, 'utf8'), before);
  });

  it('gives way to a new one, and nothing of it is left', async () => {
    await using origin = await CountingOrigin.listen();
    const place = await mkdtemp(join(folder, 'captures-'));
    const file = join(place, 'same.case.json');
    const next = ['--', 'curl', '-s', `${origin.url}/next`];
    assert.equal((await run('--capture', file, ...next)).code, 0);
    const before = await readFile(file, 'utf8');
    assert.equal((await run('--capture', file, ...next)).code, 0);
    assert.notEqual(await readFile(file, 'utf8'), before);
    assert.deepEqual(await readdir(place), ['same.case.json']);
  });
});

describe('signals', () => {
  // Says that it is up, tells each signal, and ends by itself after the first.
  const listener = `
    const http = require('node:http');
    const signals = [];
    const end = async () => {
      // What the proxy's process has been sent before, it has dealt with when it has answered twice.
      for (let i = 0; i < 2; i++) await new Promise((resolve) => {
        http.get(process.env.SOFTPROBE_RUNTIME_URL + '/health', { agent: new http.Agent() }, (response) => response.resume().on('end', resolve));
      });
      console.log('got ' + signals.join());
      process.exit(5);
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(name, () => { if (signals.push(name) === 1) end(); });
    console.log('up ' + [process.stdin.isTTY === true, process.stdout.isTTY === true]);
    setInterval(() => {}, 1000);`;

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const) {
    it(`passes ${signal} on once, and still writes the capture`, async () => {
      const file = join(folder, `${signal}.case.json`);
      // In a session of its own, so that no terminal is where the signal could be from.
      const program = spawn(node, [binPath, 'run', '--capture', file, '--', node, '-e', listener], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'ignore'],
        detached: true,
      });
      let stdout = '';
      program.stdout.setEncoding('utf8').on('data', (text: string) => {
        stdout += text;
        if (text.startsWith('up')) program.kill(signal);
      });
      const [code] = await once(program, 'close');
      assert.equal(stdout, `up false,false\ngot ${signal}\n`);
      assert.equal(code, 5);
      assert.equal((await readCaseFile(file)).mode, 'capture');
      assert.deepEqual(await leftovers(), []);
    });
  }

  it('leaves the terminal to the command, and Ctrl-C reaches it once', {
    skip: isMissing('python3'),
  }, async () => {
    const file = join(folder, 'terminal.case.json');
    // Runs the rest of its command line in a terminal, and presses Ctrl-C when that says that it is up.
    const terminal = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
text = b""
pressed = False
while True:
    try:
        chunk = os.read(fd, 4096)
    except OSError:
        break
    if not chunk:
        break
    text += chunk
    if b"up true,true" in text and not pressed:
        pressed = True
        os.write(fd, b"\\x03")
sys.stdout.write(text.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
    const command = [node, binPath, 'run', '--capture', file, '--', node, '-e', listener];
    const program = spawn('python3', ['-c', terminal, ...command], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stdout = '';
    program.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    const [code] = await once(program, 'close');
    assert.match(stdout, /got SIGINT\r$/m, stdout);
    assert.equal(code, 5);
    await access(file);
    assert.deepEqual(await leftovers(), []);
  });
});

describe('a service and its driver', () => {
  // Passes each request on to the origin in ORIGIN.
  const service = `
    require('node:http').createServer(async (request, response) => {
      const answer = await fetch(process.env.ORIGIN + '/next').catch((error) => new Response(String(error), { status: 500 }));
      response.writeHead(answer.status).end('service: ' + (await answer.text()));
    }).listen(Number(process.argv[1]), '127.0.0.1');`;
  const freePort = async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    return typeof address === 'object' && address !== null ? String(address.port) : '';
  };
  const drive = async (origin: string, driver: string, ...flags: string[]) => {
    const port = await freePort();
    const args = ['run', ...flags, '--driver', driver, '--wait-for', port, '--', node, '-e', service, port];
    const result = await runProgram(args, { env: { ...env, ORIGIN: origin } });
    return { ...result, port };
  };
  const driver = 'curl -s "$SOFTPROBE_INGRESS_URL/buy"; echo; echo "<$HTTP_PROXY$http_proxy>"';

  it('are recorded together, in and out, and replayed', async () => {
    await using origin = await CountingOrigin.listen();
    const file = join(folder, 'driven.case.json');
    const recorded = await drive(origin.url, driver, '--capture', file);
    assert.equal(recorded.code, 0, recorded.stderr);
    assert.match(recorded.stdout, /^service: number 1.*\n<>\n$/);
    await origin[Symbol.asyncDispose]();
    const directions = (await hopsOf(file)).map(({ direction }) => direction);
    assert.deepEqual(directions.sort(), ['inbound', 'outbound']);
    assert.match(recorded.stderr, /recorded 2 hops in /);

    const replayed = await drive(origin.url, driver, '--replay', file);
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.equal(replayed.stdout, recorded.stdout);
  });

  it('end together: the service is stopped with all that it started', async () => {
    const pids = join(folder, 'pids');
    const port = await freePort();
    const script = `sleep 1000 & echo "$! $$" > ${pids}; exec "$0" -e 'require("node:http").createServer((_, r) => r.end()).listen(${port}, "127.0.0.1")'`;
    const args = [
      '--driver',
      'exit 9',
      '--wait-for',
      `http://127.0.0.1:${port}/`,
      '--',
      'sh',
      '-c',
      script,
      node,
    ];
    const { code, stderr } = await run(...args);
    assert.equal(code, 9, stderr);
    for (const pid of (await readFile(pids, 'utf8')).trim().split(' ')) {
      assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' });
    }
  });

  it('are not started when something else answers already', async () => {
    await using other = await CountingOrigin.listen();
    const args = ['--driver', 'echo driven', '--wait-for', String(other.port), '--', 'echo', 'served'];
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /--wait-for: something answers at port \d+ already/);
  });

  it('end with the exit code of a service that ends before it is up', async () => {
    const args = ['--driver', 'echo driven', '--wait-for', await freePort(), '--', 'sh', '-c', 'exit 4'];
    const { code, stdout, stderr } = await run(...args);
    assert.equal(code, 4);
    assert.equal(stdout, '');
    assert.match(stderr, /the service ended \(exit code 4\) before port \d+ answered/);
  });

  it('end with 1 when the service does not come up in time, and it is stopped', async () => {
    const args = ['--driver', 'echo', '--wait-for', await freePort(), '--wait-timeout', '300ms'];
    const { code, stderr } = await run(...args, '--', 'sleep', '1000');
    assert.equal(code, 1);
    assert.match(stderr, /--wait-for: port \d+ did not answer within 0\.3 s/);
  });

  it('end when the wait is interrupted', async () => {
    const args = [
      'run',
      '--driver',
      'echo',
      '--wait-for',
      await freePort(),
      '--',
      'sh',
      '-c',
      'echo up; exec sleep 1000',
    ];
    await using program = new BuiltProgram(args, { env });
    await program.printed('stdout', /up/);
    program.kill('SIGTERM');
    const { code } = await program.ended;
    assert.equal(code, 128 + 15);
    assert.deepEqual(await leftovers(), []);
  });

  it('end at once by a second signal, when the service does not', async () => {
    const port = await freePort();
    const file = join(folder, 'stubborn.case.json');
    const stubborn = `process.on('SIGTERM', () => console.log('no'));
      require('node:http').createServer((_, r) => r.end()).listen(${port}, '127.0.0.1');`;
    const flags = ['--capture', file, '--driver', 'echo driving; exec sleep 1000', '--wait-for', port];
    await using program = new BuiltProgram(
      ['run', ...flags, '--stop-timeout', '1h', '--', node, '-e', stubborn],
      {
        env,
      },
    );
    await program.printed('stdout', /driving/);
    program.kill('SIGTERM');
    await program.printed('stdout', /no/);
    program.kill('SIGTERM');
    assert.equal((await program.ended).code, 128 + 15);
    await access(file);
  });

  it('both take a signal: the driver first, then the service is stopped', async () => {
    await using origin = await CountingOrigin.listen();
    const port = await freePort();
    const flags = ['--driver', 'echo driving; sleep 1000; echo over', '--wait-for', port];
    await using program = new BuiltProgram(['run', ...flags, '--', node, '-e', service, port], {
      env: { ...env, ORIGIN: origin.url },
    });
    await program.printed('stdout', /driving/);
    program.kill('SIGTERM');
    const { code, stdout } = await program.ended;
    assert.equal(code, 128 + 15);
    assert.equal(stdout, 'driving\n');
  });
});

describe('softprobe-proxy env', () => {
  it('prints lines that a shell takes', async () => {
    const spaced = { ...env, SOFTPROBE_CA_DIR: join(folder, "Ann O'Neil's folder") };
    const { code, stdout, stderr } = await runProgram(['env', '--session', 'sess_1'], { env: spaced });
    assert.equal(code, 0, stderr);
    const shown = execFileSync(
      'sh',
      [
        '-c',
        'eval "$1"; printf "%s\\n%s\\n" "$HTTPS_PROXY" "$SSL_CERT_FILE"; test -s "$SSL_CERT_FILE"',
        'sh',
        stdout,
      ],
      {
        encoding: 'utf8',
      },
    );
    assert.equal(shown, `http://sess_1:x@127.0.0.1:8084\n${join(spaced.SOFTPROBE_CA_DIR, 'bundle.pem')}\n`);
  });

  it('prints the same as JSON', async () => {
    const args = ['env', '--json', '--egress-url', 'http://127.0.0.1:9999'];
    const { code, stdout } = await runProgram(args, { env });
    assert.equal(code, 0);
    const variables = checkJson(['env'], code, stdout).variables as Record<string, string>;
    assert.equal(variables.HTTP_PROXY, 'http://127.0.0.1:9999');
    assert.equal(variables.NO_PROXY, '');
    assert.equal(variables.SSL_CERT_FILE, join(folder, 'ca', 'bundle.pem'));
  });

  it('makes nothing where HTTPS is not looked into', async () => {
    const caDir = join(folder, 'unused');
    const { stdout } = await runProgram(['env', '--no-intercept', '--ca-dir', caDir], { env });
    assert.equal(/CERT|CA_/.test(stdout), false);
    await assert.rejects(access(caDir));
  });
});

/** The hops of a case file: direction and URL. */
async function hopsOf(file: string): Promise<{ direction: unknown; url: unknown }[]> {
  return spansOf(await readCaseFile(file)).map((span) => ({
    direction: attribute(span, 'sp.traffic.direction'),
    url: attribute(span, 'url.full'),
  }));
}
