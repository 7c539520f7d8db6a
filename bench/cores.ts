import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * Who runs where. The proxy under test has a core to itself, so that what is measured is the work it does
 * and not how the scheduler shares a core out. `undefined`: not pinned.
 */
export interface Cores {
  readonly proxy: number | undefined;
  readonly load: number | undefined;
  readonly upstream: number | undefined;
}

/** Chooses cores; none where there is only one, or where `taskset` (util-linux) is missing. */
export function chooseCores(): Cores {
  const count = availableParallelism();
  const canPin = count > 1 && spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;
  if (!canPin) return { proxy: undefined, load: undefined, upstream: undefined };
  return { proxy: 0, load: 1, upstream: count > 2 ? 2 : 1 };
}

/** The command that runs `command` on a core. */
export function commandOn(core: number | undefined, command: readonly string[]): readonly string[] {
  return core === undefined ? command : ['taskset', '--cpu-list', String(core), ...command];
}

/** One line for the report. */
export function describeCores({ proxy, load, upstream }: Cores): string {
  if (proxy === undefined) return 'not pinned to cores (expect more noise)';
  return `proxy on core ${proxy}, load on core ${load}, upstream on core ${upstream}`;
}
