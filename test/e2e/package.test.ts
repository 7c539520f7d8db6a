import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import packageJson from '../../package.json' with { type: 'json' };
import * as library from '../../src/index.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'softprobe-package-'));
const bins = join(folder, 'user', 'node_modules', '.bin');
after(() => rmSync(folder, { recursive: true, force: true }));

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. The Node that runs this test is the first that a bin's `env node` finds. */
async function run(file: string, args: readonly string[], cwd: string): Promise<Finished> {
  const { promise, resolve, reject } = Promise.withResolvers<Finished>();
  const PATH = [dirname(process.execPath), process.env.PATH].join(delimiter);
  execFile(file, args, { cwd, env: { ...process.env, PATH } }, (error, stdout, stderr) => {
    const code = error === null ? 0 : error.code;
    if (typeof code === 'number') resolve({ code, stdout, stderr });
    else reject(error);
  });
  return promise;
}

async function runToSuccess(file: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, cwd);
  assert.equal(code, 0, `${file} ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`);
  return stdout;
}

/** Paths below a folder, `/` between the parts. */
function listFiles(path: string): string[] {
  return readdirSync(join(root, path), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length).replaceAll('\\', '/'));
}

describe('the package', () => {
  let tarball = '';
  let packed: string[] = [];

  before(async () => {
    // Without scripts: dist/ is built before the tests start, and other tests are running what is in it.
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const [entry] = JSON.parse(await runToSuccess('npm', args, root)) as [
      { filename: string; files: { path: string }[] },
    ];
    tarball = join(folder, entry.filename);
    packed = entry.files.map(({ path }) => path);
  });

  it('contains the program, its types, the schemas and the papers, and nothing else', () => {
    const compiled = listFiles('src').flatMap((path) => {
      const stem = path.replace(/^src/, 'dist').replace(/\.ts$/, '');
      return [`${stem}.js`, `${stem}.d.ts`];
    });
    const expected = [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'package.json',
      ...compiled,
      ...listFiles('bin'),
      ...listFiles('docs'),
      ...listFiles('schemas'),
    ];
    assert.deepEqual(packed.toSorted(), expected.toSorted());
  });

  describe('installed into an empty folder', () => {
    const user = join(folder, 'user');
    let installation: Finished | undefined;

    before(async () => {
      mkdirSync(user);
      writeFileSync(join(user, 'package.json'), '{ "private": true }');
      installation = await run(
        'npm',
        ['install', '--no-audit', '--no-fund', '--prefer-offline', '--prefix', user, tarball],
        user,
      );
    });

    /** False, and the test is skipped, on a machine that has no npm registry within reach. */
    function isInstalled(test: TestContext): boolean {
      const { code, stderr } = installation ?? { code: 1, stderr: 'npm did not start' };
      if (code !== 0 && /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT/.test(stderr)) {
        test.skip('the npm registry is out of reach');
        return false;
      }
      assert.equal(code, 0, stderr);
      return true;
    }

    it('gives the user no warning', (test) => {
      if (!isInstalled(test)) return;
      const warnings = (installation?.stderr ?? '')
        .split('\n')
        // Not ours: an old system Node, and settings of this machine that npm does not know.
        .filter((line) => /^npm warn/i.test(line) && !/EBADENGINE|Unknown .* config/.test(line));
      assert.deepEqual(warnings, []);
    });

    it('has two bins that are the same program', async (test) => {
      if (!isInstalled(test)) return;
      const [first, second] = await Promise.all(
        ['softprobe-proxy', 'softprobe'].map((name) => runToSuccess(join(bins, name), ['--version'], user)),
      );
      assert.equal(first, `softprobe-proxy ${packageJson.version} (spec http-control-api@v1)\n`);
      assert.equal(second, first);
      const help = await runToSuccess(join(bins, 'softprobe'), ['start', '--help'], user);
      assert.match(help, /--app-url/);
    });

    it('starts, listens and stops', async (test) => {
      if (!isInstalled(test)) return;
      const ports = ['ingress', 'egress', 'control', 'admin'].map((listener) => `--${listener}-port=0`);
      const program = join(user, 'node_modules', packageJson.name, 'bin', 'softprobe-proxy.js');
      const child = spawn(process.execPath, [program, 'start', '--json', '--log-level=warn', ...ports], {
        cwd: user,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exit = once(child, 'exit');
      try {
        const [line] = await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exit]);
        const ready = JSON.parse(String(line)) as { event: string; admin: { url: string } };
        assert.equal(ready.event, 'ready');
        assert.equal((await fetch(`${ready.admin.url}/ready`)).status, 200);
        child.kill('SIGTERM');
        assert.deepEqual(await exit, [0, null]);
      } finally {
        child.kill('SIGKILL');
      }
    });

    it('exports to an import what the source exports', async (test) => {
      if (!isInstalled(test)) return;
      const script = `console.log(JSON.stringify(Object.keys(await import('${packageJson.name}'))))`;
      const args = ['--input-type=module', '--eval', script];
      const names = JSON.parse(await runToSuccess(process.execPath, args, user)) as string[];
      assert.deepEqual(names, Object.keys(library));
    });

    it('brings types that hold in a strict project which checks its libraries too', async (test) => {
      if (!isInstalled(test)) return;
      const compilerOptions = {
        target: 'es2024',
        lib: ['es2024', 'esnext.disposable'],
        module: 'nodenext',
        strict: true,
        noEmit: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules', '@types')],
      };
      writeFileSync(join(user, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.mts'] }));
      writeFileSync(
        join(user, 'use.mts'),
        [
          `import { Softprobe, type SoftprobeSession, startProxy } from '${packageJson.name}';`,
          'await using proxy = await startProxy({ appUrl: "http://127.0.0.1:8081" });',
          'export const url: string = proxy.urls.ingress;',
          '// @ts-expect-error: an address is a string, so the types are not just any',
          'export const wrong: number = proxy.urls.egress;',
          'const softprobe: Softprobe = new Softprobe({ baseUrl: proxy.urls.control, fetch });',
          'await using session: SoftprobeSession = await Softprobe().startSession({ mode: "replay" });',
          'await session.mockOutbound({ path: "/a", response: session.findInCase({}).response, latencyMs: 5 });',
          '// @ts-expect-error: a mock says what to answer',
          'await softprobe.attach(session.id).mockOutbound({ path: "/a" });',
        ].join('\n'),
      );
      await runToSuccess(join(root, 'node_modules', '.bin', 'tsc'), ['--project', user], user);
    });
  });
});
