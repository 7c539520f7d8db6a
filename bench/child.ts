import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { commandOn } from './cores.ts';

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 10_000;

const running = new Set<ChildProcess>();

// However the benchmark ends, nothing that it started goes on eating a core.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => process.exit(code));
}

/** A server that the benchmark starts in a process of its own, on a core of its own. */
export class Child {
  readonly #process: ChildProcess;
  readonly #command: string;
  readonly #ended: Promise<void>;
  readonly #firstLine: Promise<string>;
  #stderr = '';

  /** @param core the core to pin it to; undefined where this machine cannot pin */
  constructor(command: readonly string[], core: number | undefined, environment: NodeJS.ProcessEnv = {}) {
    this.#command = command.join(' ');
    const [file = '', ...args] = commandOn(core, command);
    // taskset replaces itself by the program: the pid that gets the signals is the program's own.
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#process = child;
    running.add(child);
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise.then(() => void running.delete(child));
    child.once('exit', () => ended.resolve()).once('error', () => ended.resolve());
    // Both pipes are drained for ever, so that a talkative child never blocks on a full one.
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-4000);
    });
    const lines = createInterface({ input: child.stdout });
    this.#firstLine = new Promise((resolve) => lines.once('line', resolve));
  }

  /** The first line of its stdout: where it listens. Rejects when it ends, or 15 s pass, before that. */
  firstLine(): Promise<string> {
    return this.before(this.#firstLine);
  }

  /** Waits for a sign that the child is ready, but not longer than it lives, nor longer than 15 s. */
  async before<Sign>(sign: Promise<Sign>): Promise<Sign> {
    const expiry = Promise.withResolvers<never>();
    const fail = (reason: string): void =>
      expiry.reject(new Error(`${reason}: ${this.#command}\n${this.#stderr}`));
    const timer = setTimeout(fail, START_TIMEOUT_MS, `not ready within ${START_TIMEOUT_MS / 1000} s`);
    void this.#ended.then(() => fail('ended before it was ready'));
    try {
      return await Promise.race([sign, expiry.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Its process id; 0 where it never started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  async stop(): Promise<void> {
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}
