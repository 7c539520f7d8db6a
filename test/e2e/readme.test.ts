import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { App } from './support/app.ts';
import { Program } from './support/program.ts';
import { Shell } from './support/shell.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

/** A command block of a walk in the README, and the output that stands below it, if any. */
interface Step {
  readonly commands: string;
  readonly output: string | undefined;
  readonly withoutUpstream: boolean;
}

const STEP = /<!-- walk(: without the upstream)? -->\n```sh\n(.*?)```\n(?:\n```text\n(.*?)```)?/gs;

/** The sections with a walk, and how many steps each has: none may get lost. */
const WALKS: Record<string, number> = {
  'Five minutes by hand': 3,
  'Troubleshooting: my mock was not used': 7,
};

/** The program, the example's app and its dependency, as the README has the reader start them. */
class Stage implements AsyncDisposable {
  readonly program: Program;
  readonly upstream: App;
  readonly #app: App;

  private constructor(program: Program, upstream: App, app: App) {
    this.program = program;
    this.upstream = upstream;
    this.#app = app;
  }

  static async set(): Promise<Stage> {
    const upstream = await App.start(`${root}examples/hello/upstream.js`, {});
    const appPort = await freePort();
    const program = await Program.start(`http://127.0.0.1:${appPort}`);
    const app = await App.start(`${root}examples/hello/app.js`, {
      PORT: String(appPort),
      UPSTREAM_URL: upstream.url,
      HTTP_PROXY: program.egress,
    });
    return new Stage(program, upstream, app);
  }

  /** The commands with this run's ports and folders for the default ones. */
  here(commands: string): string {
    const { control, ingress, egress, captureDir } = this.program;
    return commands
      .replaceAll('127.0.0.1:8080', new URL(control).host)
      .replaceAll('127.0.0.1:8082', new URL(ingress).host)
      .replaceAll('127.0.0.1:8083', new URL(this.upstream.url).host)
      .replaceAll('127.0.0.1:8084', new URL(egress).host)
      .replaceAll('npx softprobe-proxy', `'${process.execPath}' '${root}bin/softprobe-proxy.js'`)
      .replaceAll(/\bcaptures\//g, `${captureDir}/`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#app.stop(), this.upstream.stop()]);
    await this.program[Symbol.asyncDispose]();
  }
}

describe('the README does what it says', async () => {
  const readme = await readFile(`${root}README.md`, 'utf8');
  for (const [title, count] of Object.entries(WALKS)) {
    test(title, async (t) => {
      const hasJq = await run('jq', ['--version']).then(
        () => true,
        () => false,
      );
      if (!hasJq) return t.skip('jq is not installed, which the walk uses');
      const steps = stepsOf(sectionOf(readme, title));
      assert.equal(steps.length, count);
      await using stage = await Stage.set();
      // The case file is looked for where a user would have started the program.
      await using shell = new Shell(dirname(stage.program.captureDir));
      // One line that ends each answer of the API, as a terminal would; the app's own ends with one.
      await shell.run(
        stage.here(
          'curl() { command curl "$@"; case "$*" in *127.0.0.1:8082*|*--head*) ;; *) echo ;; esac; }',
        ),
      );
      for (const { commands, output, withoutUpstream } of steps) {
        if (withoutUpstream) await stage.upstream.stop();
        const said = await shell.run(stage.here(commands));
        assert.equal(normalize(said), normalize(output ?? ''), commands);
      }
      return undefined;
    });
  }
});

function sectionOf(readme: string, title: string): string {
  const start = readme.indexOf(`\n## ${title}\n`);
  assert.notEqual(start, -1, `the README has no section "${title}"`);
  const end = readme.indexOf('\n## ', start + 1);
  return readme.slice(start, end === -1 ? undefined : end);
}

function stepsOf(section: string): Step[] {
  return Array.from(section.matchAll(STEP), ([, withoutUpstream, commands = '', output]) => ({
    commands,
    output,
    withoutUpstream: withoutUpstream !== undefined,
  }));
}

/** What differs from run to run, made the same. */
function normalize(output: string): string {
  return output
    .replaceAll('\r', '')
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
