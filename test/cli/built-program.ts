import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const binPath = fileURLToPath(new URL('../../bin/softprobe-proxy.js', import.meta.url));

/** Ports of `start` that cannot collide. */
export const anyPorts = ['ingress', 'egress', 'control', 'admin'].flatMap((name) => [`--${name}-port`, '0']);

/** Where the programs of this process keep their certificate authority, if they make one. */
const AUTHORITY_FOLDER = mkdtempSync(join(tmpdir(), 'softprobe-cli-ca-'));
process.on('exit', () => rmSync(AUTHORITY_FOLDER, { recursive: true, force: true }));

/** A run that takes longer is killed, so that a hang fails the test with what was printed; milliseconds. */
const PATIENCE = 20_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built program with any command line, also one that fails. */
export class BuiltProgram implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';

  /** @param options.stdin what it reads from stdin; nothing where it is left out */
  constructor(
    args: readonly string[],
    options: { env?: NodeJS.ProcessEnv; cwd?: string; stdin?: string } = {},
  ) {
    const { stdin } = options;
    this.#process = spawn(process.execPath, [binPath, ...args], {
      stdio: [stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      cwd: options.cwd,
      env: { ...ownEnvironment(), SOFTPROBE_CA_DIR: AUTHORITY_FOLDER, ...options.env },
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // It may end without having read everything.
    this.#process.stdin?.on('error', () => {}).end(stdin);
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE);
    this.#ended = once(this.#process, 'close').then(([code, signal]) => {
      clearTimeout(timer);
      return { code, signal, stdout: this.#stdout, stderr: this.#stderr };
    });
  }

  /** Its end, and all that it printed. */
  get ended(): Promise<Ended> {
    return this.#ended;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /**
   * Waits until what it printed on a stream matches.
   *
   * @throws when it ends first
   */
  async printed(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const text = stream === 'stdout' ? this.#stdout : this.#stderr;
      const match = pattern.exec(text);
      if (match !== null) return match;
      const readable = this.#process[stream];
      if (readable === null || this.#process.exitCode !== null || this.#process.signalCode !== null) {
        throw new Error(`it ended and never printed ${pattern}:\n${this.#stdout}\n${this.#stderr}`);
      }
      await Promise.race([once(readable, 'data'), this.#ended]);
    }
  }

  /** The ready line of `start --json`. */
  async ready(): Promise<Record<'ingress' | 'egress' | 'control' | 'admin', { url: string }>> {
    const [line] = await this.printed('stdout', /^.*(?=\n)/);
    return JSON.parse(line);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }
}

/** Runs a command line to its end. */
export function runProgram(
  args: readonly string[],
  options?: { env?: NodeJS.ProcessEnv; cwd?: string },
): Promise<Ended> {
  return new BuiltProgram(args, options).ended;
}

/** Our environment without what would steer the program. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const steering =
    /^(softprobe_|https?_proxy$|no_proxy$|all_proxy$|app_url$|node_options$|node_test_|no_color$|force_color$)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !steering.test(name)));
}
