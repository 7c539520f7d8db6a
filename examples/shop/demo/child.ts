import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

const running = new Set<Child>();

/** Longest wait for a process to say that it is ready, or to end; milliseconds. */
const PATIENCE = 10_000;

/** A process that the demo started. None outlives the demo, however it ends. */
export class Child {
  readonly name: string;
  #process: ChildProcess;
  #exited: Promise<unknown>;
  #stdout = '';
  #stderr = '';

  /**
   * Starts a Node.js program.
   *
   * @param env added to the environment of the demo, less its own proxy settings
   */
  constructor(name: string, args: readonly string[], env: Record<string, string> = {}) {
    this.name = name;
    this.#process = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...withoutProxySettings(process.env), ...env },
    });
    this.#exited = once(this.#process, 'exit');
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    running.add(this);
    this.#process.once('exit', () => running.delete(this));
  }

  /**
   * Waits for the first line on stdout.
   *
   * @throws {Error} with what the program said on stderr when it ends first or says nothing for too long
   */
  async firstLine(): Promise<string> {
    const signal = AbortSignal.timeout(PATIENCE);
    while (!this.#stdout.includes('\n')) {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        throw new Error(`${this.name} ended before it was ready:\n${this.#stderr}`);
      }
      const { stdout } = this.#process;
      if (!stdout) throw new Error(`${this.name} has no stdout`);
      await Promise.race([once(stdout, 'data', { signal }), this.#exited]).catch(() => {
        throw new Error(`${this.name} was not ready within ${PATIENCE} ms:\n${this.#stderr}`);
      });
    }
    return this.#stdout.slice(0, this.#stdout.indexOf('\n'));
  }

  /** Waits for the end of a program that ends by itself, and gives back what it printed. */
  async output(): Promise<string> {
    const closed = once(this.#process, 'close');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE);
    await closed;
    clearTimeout(timer);
    if (this.#process.exitCode !== 0) throw new Error(`${this.name} failed:\n${this.#stderr}`);
    return this.#stdout;
  }

  /**
   * Ends the program and waits for it.
   *
   * @returns its exit code; null when the signal ended it
   */
  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (running.has(this)) {
      this.#process.kill(signal);
      const timer = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE);
      await this.#exited;
      clearTimeout(timer);
    }
    return this.#process.exitCode;
  }

  /** Ends it at once, without waiting. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

/** Ends all that is left; can be called when the demo itself has no more time. */
export function killAll(): void {
  for (const child of running) child.kill();
}

function withoutProxySettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const names = /^(https?_proxy|all_proxy|no_proxy|node_use_env_proxy|app_url|softprobe_.*)$/i;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.test(name)));
}
