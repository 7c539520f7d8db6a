import { constants } from 'node:os';
import type { Logger } from 'pino';
import type { RunningProxy } from '../../proxy/index.ts';
import { ExitCode } from '../exit-code.ts';

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/**
 * npm and npx pass Ctrl-C on to a program that the terminal has told already. A second SIGINT within this many
 * milliseconds is that one, no person's, and must not cost the open captures.
 */
const ECHO_MS = 100;

/**
 * Runs the proxy until somebody ends it.
 *
 * The first SIGTERM, SIGINT or SIGHUP stops accepting, lets open requests finish and writes open captures; a
 * second one exits at once with 128 + its number. A rejection that nobody handled is logged and costs nobody
 * else their traffic; an exception that nobody caught leaves an unknown state: it is logged, captures are
 * written, and the program ends with {@link ExitCode.internal}.
 *
 * @param onReady called when signals are handled
 * @returns the exit code: 0, or 1 when a capture could not be written
 */
export async function runUntilStopped(
  proxy: RunningProxy,
  log: Logger,
  onReady: () => void,
): Promise<number> {
  const { promise: ended, resolve: end } = Promise.withResolvers<{ why: string; exitCode: number }>();
  let stoppingSince: number | undefined;

  const onSignal = (signal: NodeJS.Signals) => {
    if (stoppingSince === undefined) {
      stoppingSince = performance.now();
      end({ why: signal, exitCode: ExitCode.ok });
    } else if (signal !== 'SIGINT' || performance.now() - stoppingSince > ECHO_MS) {
      log.warn(`${signal} again: exit at once, open captures are not written`);
      process.exit(128 + constants.signals[signal]);
    }
  };
  for (const signal of signals) process.on(signal, onSignal);
  process.on('unhandledRejection', (reason) => {
    log.error({ err: reason }, 'a defect: a rejection that nobody handled; traffic goes on');
  });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a defect: an exception that nobody caught');
    if (stoppingSince !== undefined) process.exit(ExitCode.internal);
    stoppingSince = performance.now();
    end({ why: 'a defect', exitCode: ExitCode.internal });
  });

  onReady();
  const { why, exitCode } = await ended;
  log.info(`stopping (${why}): open requests may finish, open captures are written`);
  try {
    await proxy.close();
  } catch (error) {
    // The runtime has told of each capture which it was and why.
    log.error({ err: error }, 'stopped, and not everything was saved');
    return exitCode || ExitCode.failure;
  }
  log.info('stopped');
  return exitCode;
}
