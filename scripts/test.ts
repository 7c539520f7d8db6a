/**
 * Builds the program, since the end-to-end tests drive what is in dist/, and runs the tests.
 *
 *   npm test                                   all of them
 *   npm test -- test/runtime/rule.test.ts      only these files (or glob patterns)
 *   npm test -- --test-name-pattern=cookies    any option of node's test runner, as --name=value
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/**
 * The runner waits for ever for a file that leaves a server or a socket open. This ends it, and it then says
 * which files were still running.
 */
const DEADLINE_MINUTES = 10;

const root = fileURLToPath(new URL('..', import.meta.url));

/** Runs this very Node, which is the devDependency's and not the system's. Returns the exit code. */
function runNode(args: readonly string[]): number {
  const { status, error } = spawnSync(process.execPath, args, {
    cwd: root,
    stdio: 'inherit',
    timeout: DEADLINE_MINUTES * 60_000,
  });
  if (error !== undefined)
    process.stderr.write(`\nnot done after ${DEADLINE_MINUTES} minutes: ${error.message}\n`);
  return error === undefined ? (status ?? 1) : 1;
}

const given = process.argv.slice(2);
const options = given.filter((argument) => argument.startsWith('-'));
const patterns = given.filter((argument) => !argument.startsWith('-'));

process.exitCode =
  runNode(['scripts/build.ts']) ||
  runNode([
    '--test',
    // A file at a time for each core. Node's default leaves one core idle, which is half of a 2-core machine.
    `--test-concurrency=${availableParallelism()}`,
    // Nothing here takes minutes; a test that hangs must fail and be named.
    '--test-timeout=120000',
    // Names every test and ends with what failed and a summary, also where the output is no terminal.
    ...(options.some((option) => option.startsWith('--test-reporter')) ? [] : ['--test-reporter=spec']),
    ...options,
    ...(patterns.length > 0 ? patterns : ['test/**/*.test.ts']),
  ]);
