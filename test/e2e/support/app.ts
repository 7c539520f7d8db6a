import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A service under test or a dependency of one: a program that prints where it listens, and runs until told. */
export class App implements AsyncDisposable {
  readonly url: string;
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess, url: string) {
    this.#process = child;
    this.url = url;
  }

  /**
   * Starts a program on a free port and waits until it listens.
   *
   * @param file what node runs
   * @param env all of its environment besides `PORT`
   * @param nodeFlags flags of node itself
   * @throws when it ends before it listens; what it said is on stderr
   */
  static async start(
    file: string,
    env: Record<string, string>,
    nodeFlags: readonly string[] = [],
  ): Promise<App> {
    const child = spawn(process.execPath, [...nodeFlags, file], {
      env: { PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const line = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
    const failed = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`${file} ended (${code ?? signal}) before it listened`);
    });
    // When it ends later on, nobody looks at this promise any more.
    failed.catch(() => {});
    const [text] = await Promise.race([line, failed]);
    const url = /http:\S+/.exec(text)?.[0];
    if (url !== undefined) return new App(child, url);
    child.kill();
    throw new Error(`expected a line of ${file} with the URL where it listens, got ${text}`);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill();
    await exit;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
