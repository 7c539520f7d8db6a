import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A worked example: how it is run, and what it says when all of its tests have passed. */
interface Example {
  readonly command: readonly [file: string, ...args: string[]];
  readonly env?: NodeJS.ProcessEnv;
  readonly passed: RegExp;
}

const bin = (path: string) => join(root, 'node_modules', path);

const examples: Record<string, Example> = {
  'node:test': {
    command: [process.execPath, '--test', '--test-reporter=tap', 'examples/node-test/hello.test.js'],
    passed: /^# pass 5\n# fail 0$/m,
  },
  Vitest: {
    command: [process.execPath, bin('vitest/vitest.mjs'), 'run', '--root', 'examples/vitest', '--no-color'],
    passed: /Tests {2}5 passed \(5\)/,
  },
  Jest: {
    command: [process.execPath, bin('jest/bin/jest.js'), '--rootDir', 'examples/jest'],
    env: { NODE_OPTIONS: '--experimental-vm-modules' },
    passed: /Tests: +2 passed, 2 total/,
  },
  'Playwright, without a browser': {
    command: [process.execPath, bin('@playwright/test/cli.js'), 'test', '--config', 'examples/playwright'],
    passed: /2 passed/,
  },
  "Python's unittest": {
    command: ['python3', '-m', 'unittest', 'discover', '-s', 'examples/python-unittest'],
    env: {
      NODE: process.execPath,
      SOFTPROBE: `'${process.execPath}' '${join(root, 'bin/softprobe-proxy.js')}'`,
    },
    passed: /Ran 3 tests in .*\n\nOK/,
  },
};

describe('the examples pass', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'softprobe-examples-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const [name, { command, env, passed }] of Object.entries(examples)) {
    test(name, async (context) => {
      const output = await run(command, {
        ...plainEnvironment(),
        SOFTPROBE_CA_DIR: join(folder, 'ca'),
        ...env,
      });
      if (output === undefined) return context.skip(`${command[0]} is not installed here`);
      assert.match(output, passed);
    });
  }
});

/** Ours without what tells a test runner, or a client, that it runs inside of something else. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const steering =
    /^(node_test_|node_options$|softprobe_|https?_proxy$|no_proxy$|npm_|vitest|jest_|force_color$)/i;
  const kept = Object.entries(process.env).filter(([name]) => !steering.test(name));
  return { ...Object.fromEntries(kept), PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };
}

/** What a program said; undefined where there is no such program. Whether it passed is in what it said. */
function run([file, ...args]: Example['command'], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd: root, env, timeout: 100_000 }, (error, stdout, stderr) => {
      resolve(
        error?.code === 'ENOENT'
          ? undefined
          : `${stdout}${stderr}${error === null ? '' : `\n${error.message}`}`,
      );
    });
  });
}
