import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Example } from './support/example.ts';
import { Program } from './support/program.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A command block of the walk in the README, and the output that stands below it, if any. */
interface Step {
  readonly commands: string;
  readonly output: string | undefined;
  readonly withoutUpstream: boolean;
}

const STEP = /<!-- walk(: without the upstream)? -->\n```sh\n(.*?)```\n(?:\n```text\n(.*?)```)?/gs;

let program: Program;
let upstream: Example;
let app: Example;
before(async () => {
  upstream = await Example.start('upstream.js', {});
  const appPort = await freePort();
  program = await Program.start(`http://127.0.0.1:${appPort}`);
  app = await Example.start('app.js', {
    PORT: String(appPort),
    UPSTREAM_URL: upstream.url,
    HTTP_PROXY: program.egress,
  });
});
after(async () => {
  await Promise.all([app.stop(), upstream.stop()]);
  await program[Symbol.asyncDispose]();
});

test('the walk in the README does what it says', async (t) => {
  const hasJq = await run('jq', ['--version']).then(
    () => true,
    () => false,
  );
  if (!hasJq) return t.skip('jq is not installed, which the walk uses');
  const steps = await readSteps();
  assert.equal(steps.length, 3);
  for (const { commands, output, withoutUpstream } of steps) {
    if (withoutUpstream) await upstream.stop();
    // The case file is looked for where a user would have started the program.
    const cwd = dirname(program.captureDir);
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here(commands)], { cwd });
    assert.equal(normalize(stdout), normalize(output ?? ''), commands);
  }
  return undefined;
});

async function readSteps(): Promise<Step[]> {
  const readme = await readFile(`${root}README.md`, 'utf8');
  return Array.from(readme.matchAll(STEP), ([, withoutUpstream, commands = '', output]) => ({
    commands,
    output,
    withoutUpstream: withoutUpstream !== undefined,
  }));
}

/** The commands with this run's ports and folders for the default ones. */
function here(commands: string): string {
  // One line that ends each answer of the API, as a terminal would.
  const curl = 'curl() { command curl "$@"; case "$*" in *8082*) ;; *) echo ;; esac; }\n';
  return (curl.replace('8082', new URL(program.ingress).port) + commands)
    .replaceAll('http://127.0.0.1:8080', program.control)
    .replaceAll('http://127.0.0.1:8082', program.ingress)
    .replaceAll('npx softprobe-proxy', `'${process.execPath}' '${root}bin/softprobe-proxy.js'`)
    .replaceAll(/\bcaptures\//g, `${program.captureDir}/`);
}

/** What differs from run to run, made the same. */
function normalize(output: string): string {
  return output
    .replaceAll(/sess_[\w…-]+/g, 'sess_')
    .replaceAll(/"[^"]*\/([^"/]+\.case\.json)"/g, '"$1"')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'time')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'host')
    .replaceAll(/\d+\.\d\b/g, 'ms')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  assert.ok(address !== null && typeof address === 'object');
  return address.port;
}
