import { Child, describeEnding, exitCodeOf } from '../child.ts';
import { CliFailure } from '../failure.ts';
import { type DriverSettings, describeTarget, type RunSettings } from './settings.ts';
import type { RunSignals } from './signals.ts';
import { isUp, waitUntilUp } from './wait.ts';

export interface Drive {
  /** The service. */
  readonly command: RunSettings['command'];
  readonly driver: DriverSettings;
  readonly environments: { readonly command: NodeJS.ProcessEnv; readonly driver: NodeJS.ProcessEnv };
  readonly signals: RunSignals;
  readonly stdout: 'inherit' | 'stderr';
  note(line: string): void;
}

/**
 * Starts a service, waits until it is up, runs the driver against it, and stops the service with all that it
 * started. Both have process groups of their own, so that they can be stopped whole.
 *
 * @returns the exit code of the driver
 * @throws {CliFailure} when the service ends or the time is over before it is up
 * @throws what `signals.interrupted` is aborted with, when a signal comes before the driver runs
 */
export async function drive({
  command,
  driver,
  environments,
  signals,
  stdout,
  note,
}: Drive): Promise<number> {
  const { waitFor, stopTimeoutMs } = driver;
  if (await isUp(waitFor)) {
    throw new CliFailure(
      `--wait-for: something answers at ${describeTarget(waitFor)} already, before the service was started; stop it first`,
      { code: 'address_in_use' },
    );
  }
  const options = { stdout, readsStdin: false, ownGroup: true };
  const service = await Child.start(command, { ...options, environment: environments.command });
  try {
    await untilUp(service, driver, signals.interrupted);
    const child = await Child.start([driver.command], {
      ...options,
      environment: environments.driver,
      readsStdin: true,
      shell: true,
    });
    signals.target = { kind: 'child', sharesTerminal: false, signal: (signal) => child.signal(signal) };
    const ending = await child.ended;
    if (!service.isRunning) {
      note(`the service ended (${describeEnding(await service.ended)}) while the driver ran`);
    }
    return exitCodeOf(ending);
  } finally {
    signals.target = { kind: 'done', hurry: () => service.signal('SIGKILL') };
    await service.stop(stopTimeoutMs);
  }
}

/** One of three comes first: the service is up, it ends, or there is no more time. */
async function untilUp(
  service: Child,
  { waitFor, waitTimeoutMs }: DriverSettings,
  interrupted: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const target = describeTarget(waitFor);
  const timer = setTimeout(() => {
    const message = `--wait-for: ${target} did not answer within ${waitTimeoutMs / 1000} s; see what the service printed, or allow more time by --wait-timeout`;
    over.abort(new CliFailure(message, { code: 'service_not_up' }));
  }, waitTimeoutMs);
  const ended = service.ended.then((ending) => {
    const message = `the service ended (${describeEnding(ending)}) before ${target} answered`;
    over.abort(new CliFailure(message, { code: 'service_ended', exitCode: exitCodeOf(ending) || 1 }));
  });
  try {
    await Promise.race([waitUntilUp(waitFor, AbortSignal.any([over.signal, interrupted])), ended]);
    over.signal.throwIfAborted();
    interrupted.throwIfAborted();
  } finally {
    clearTimeout(timer);
  }
}
