/**
 * Compiles src/ to dist/ (JavaScript and type declarations). Run by `npm run build`, `npm ci` and `npm test`.
 *
 * The compiler writes beside dist/, which is replaced at the end: what is running, or is started meanwhile, finds
 * a whole program, and a build that fails leaves the last good one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
// In the same folder, hence on the same file system: a rename takes no time.
const fresh = join(root, `dist-${process.pid}`);
const { status } = spawnSync(
  join(root, 'node_modules', '.bin', 'tsc'),
  ['--project', 'tsconfig.build.json', '--outDir', fresh],
  { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' },
);
if (status === 0) {
  const old = `${fresh}-old`;
  if (existsSync(join(root, 'dist'))) renameSync(join(root, 'dist'), old);
  renameSync(fresh, join(root, 'dist'));
  rmSync(old, { recursive: true, force: true });
} else {
  rmSync(fresh, { recursive: true, force: true });
  process.exitCode = status ?? 1;
}
