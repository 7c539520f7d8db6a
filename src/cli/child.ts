import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandFailure } from './child-command.ts';

/** How a process ended: by itself, or by a signal. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ChildOptions {
  readonly environment: NodeJS.ProcessEnv;
  /** Where its output goes: `inherit` is ours, `stderr` is our stderr for all of it. */
  readonly stdout: 'inherit' | 'stderr';
  /** Reads our stdin; else there is nothing to read. */
  readonly readsStdin: boolean;
  /**
   * Leads a process group and a session of its own: all of it can be stopped, and a terminal's signals reach it
   * through us only. Otherwise it shares our group and so keeps the terminal.
   */
  readonly ownGroup: boolean;
  /** The command is one line for the shell. */
  readonly shell?: boolean;
}

/** How long the members of a group that outlive its leader are waited for between looks, in milliseconds. */
const LOOK_MS = 25;

/** A command that was started for the user. */
export class Child {
  /** Never rejects. */
  readonly ended: Promise<Ending>;
  readonly #process: ChildProcess;
  readonly #ownGroup: boolean;

  private constructor(process: ChildProcess, ownGroup: boolean) {
    this.#process = process;
    this.#ownGroup = ownGroup;
    // Not `close`: a process that it left behind may hold its output open for ever.
    this.ended = new Promise((resolve) => {
      process.once('exit', (code, signal) => resolve({ code, signal }));
    });
  }

  /** @throws {CliFailure} with exit code 127 or 126 when it cannot be started */
  static async start(
    [program, ...args]: readonly [string, ...string[]],
    { environment, stdout, readsStdin, ownGroup, shell = false }: ChildOptions,
  ): Promise<Child> {
    const child = spawn(program, args, {
      env: environment,
      stdio: [readsStdin ? 'inherit' : 'ignore', stdout === 'inherit' ? 'inherit' : 2, 'inherit'],
      detached: ownGroup,
      shell,
    });
    const result = new Child(child, ownGroup);
    try {
      await once(child, 'spawn');
    } catch (cause) {
      throw commandFailure(program, (cause as NodeJS.ErrnoException).code ?? String(cause), cause);
    }
    if (ownGroup) {
      // It would not notice that this process has gone.
      const kill = () => result.#signalGroup('SIGKILL');
      process.once('exit', kill);
      void result.ended.then(() => process.off('exit', kill));
    }
    // Emitted for a signal that could not be sent, too: whoever sends one looks at the process, not at this.
    child.on('error', () => {});
    return result;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Sends a signal to it, and to its group where it has one. Does nothing when it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#ownGroup) this.#process.kill(signal);
    else if (this.isRunning) this.#signalGroup(signal);
  }

  /**
   * Ends it and all of its group: SIGTERM, and SIGKILL for what still runs after `graceMs`.
   *
   * @returns how it ended
   */
  async stop(graceMs: number): Promise<Ending> {
    const deadline = performance.now() + graceMs;
    this.#signalGroup('SIGTERM');
    const { promise: late, resolve: giveUp } = Promise.withResolvers<void>();
    const timer = setTimeout(giveUp, graceMs);
    await Promise.race([this.ended, late]);
    clearTimeout(timer);
    while (this.#signalGroup(0) && performance.now() < deadline) await sleep(LOOK_MS);
    this.#signalGroup('SIGKILL');
    return this.ended;
  }

  /** @returns whether there was somebody to send it to */
  #signalGroup(signal: NodeJS.Signals | 0): boolean {
    const { pid } = this.#process;
    if (pid === undefined) return false;
    try {
      return process.kill(this.#ownGroup && process.platform !== 'win32' ? -pid : pid, signal);
    } catch {
      // ESRCH: everybody has ended. EPERM: whoever is left has become another user, out of our reach.
      return false;
    }
  }
}

/** The exit code of a shell for it: 128 and the signal's number for a death by signal. */
export function exitCodeOf({ code, signal }: Ending): number {
  return signal === null ? (code ?? 1) : 128 + constants.signals[signal];
}

/** For messages: `exit code 3`, `SIGKILL`. */
export function describeEnding({ code, signal }: Ending): string {
  return signal ?? `exit code ${code}`;
}
