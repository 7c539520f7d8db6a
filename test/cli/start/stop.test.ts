import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

/**
 * Runs a program around `runUntilStopped`, because what it guards against ends a process.
 *
 * @param onReady what happens once the proxy, which only says when it is closed, runs
 * @param close the body of the proxy's `close`
 */
function runProgram(onReady: string, close = '') {
  const source = `
    import { pino } from 'pino';
    import { runUntilStopped } from '${new URL('../../../src/cli/start/stop.ts', import.meta.url)}';
    const proxy = { async close() { console.log('closed'); ${close} } };
    const log = pino({ base: null }, pino.destination({ fd: 2, sync: true }));
    setInterval(() => {}, 1e6); // as listeners do, keeps the process alive
    process.exit(await runUntilStopped(proxy, log, () => { ${onReady} }));
  `;
  const args = ['--input-type=module-typescript', '--eval', source];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
  return { status, stdout, stderr };
}

const stopMyself = "process.kill(process.pid, 'SIGTERM');";

describe('a running proxy', () => {
  it('is closed by a signal, and the program ends with 0', () => {
    const { status, stdout } = runProgram(stopMyself);
    assert.equal(status, 0);
    assert.equal(stdout, 'closed\n');
  });

  it('ends with 1 when not everything could be saved', () => {
    const { status, stderr } = runProgram(
      stopMyself,
      "throw new AggregateError([new Error('disk full')], 'oh')",
    );
    assert.equal(status, 1);
    assert.match(stderr, /disk full/);
  });

  it('outlives a rejection that nobody handled, and logs it', () => {
    const { status, stdout, stderr } = runProgram(
      `process.once('unhandledRejection', () => ${stopMyself.slice(0, -1)}); Promise.reject(new Error('forgotten'));`,
    );
    assert.equal(status, 0);
    assert.equal(stdout, 'closed\n');
    assert.match(stderr, /forgotten/);
  });

  it('is closed and ends with 70 after an exception that nobody caught', () => {
    const { status, stdout, stderr } = runProgram(
      "setImmediate(() => { throw new Error('a defect here'); });",
    );
    assert.equal(status, 70);
    assert.equal(stdout, 'closed\n');
    assert.match(stderr, /a defect here/);
  });

  it('ends at once with 70 when closing throws an exception that nobody catches', () => {
    const { status } = runProgram(
      stopMyself,
      "setImmediate(() => { throw new Error('while closing'); }); await new Promise(() => {});",
    );
    assert.equal(status, 70);
  });
});
