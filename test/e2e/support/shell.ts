import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** What bash prints when a block is done: a byte that no command here prints. */
const DONE = '\x1e';

/** A bash that runs block after block, as a reader's terminal does: variables stay. */
export class Shell implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  #stdout = '';
  #stderr = '';

  /**
   * @param cwd folder that it starts in
   * @param by a command that runs the words behind it: `unshare`, for a shell in namespaces of its own
   */
  constructor(cwd: string, by: readonly string[] = []) {
    const [program = 'bash', ...args] = [...by, 'bash', '-euo', 'pipefail'];
    this.#process = spawn(program, args, { cwd, env: withoutProxies(), stdio: 'pipe' });
    this.#exited = once(this.#process, 'close');
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
  }

  /**
   * Runs a block of commands.
   *
   * @returns what it printed on stdout
   * @throws with stderr, when a command fails
   */
  async run(commands: string): Promise<string> {
    const { stdin, stdout } = this.#process;
    if (stdin === null || stdout === null) throw new Error('bash was started without pipes');
    // Commands must not read what comes after them.
    stdin.write(`{\n${commands}\n} </dev/null\nprintf '${DONE}'\n`);
    while (!this.#stdout.includes(DONE)) {
      if (this.#process.exitCode !== null)
        throw new Error(
          `${commands}\nfailed with ${this.#process.exitCode}:\n${this.#stdout}\n${this.#stderr}`,
        );
      await Promise.race([once(stdout, 'data'), this.#exited]);
    }
    const printed = this.#stdout.slice(0, this.#stdout.indexOf(DONE));
    this.#stdout = this.#stdout.slice(printed.length + DONE.length);
    return printed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#exited;
  }
}

/** Our environment, in which no client is told of another proxy. */
function withoutProxies(): NodeJS.ProcessEnv {
  const names = /^(https?|all|no)_proxy$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !names.test(name)));
}
