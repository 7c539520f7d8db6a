import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../../bin/softprobe-proxy.js', import.meta.url));
const BUILD = fileURLToPath(new URL('../../../dist', import.meta.url));

/** Longest wait for the program to start or to end: a hang becomes a failure that shows what it logged. */
const PATIENCE_MS = 20_000;

/** Where the programs of this process keep their certificate authority. */
const AUTHORITY_FOLDER = mkdtempSync(join(tmpdir(), 'softprobe-e2e-ca-'));
process.on('exit', () => rmSync(AUTHORITY_FOLDER, { recursive: true, force: true }));

/** The certificate that clients of these programs have to trust; made when the first program starts. */
export const AUTHORITY_CERTIFICATE = join(AUTHORITY_FOLDER, 'ca', 'certificate.pem');

interface ReadyLine {
  readonly ingress: { readonly url: string };
  readonly egress: { readonly url: string };
  readonly control: { readonly url: string };
  readonly admin: { readonly url: string };
}

/** The built program, running on free ports with a capture folder of its own. */
export class Program implements AsyncDisposable {
  readonly captureDir: string;
  readonly ingress: string;
  readonly egress: string;
  readonly control: string;
  readonly admin: string;
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #log: readonly string[];

  private constructor(child: ChildProcess, ready: ReadyLine, captureDir: string, log: readonly string[]) {
    this.#process = child;
    this.#log = log;
    this.captureDir = captureDir;
    this.ingress = ready.ingress.url;
    this.egress = ready.egress.url;
    this.control = ready.control.url;
    this.admin = ready.admin.url;
    this.pid = child.pid ?? 0;
  }

  /**
   * Starts the program and waits until its listeners accept.
   *
   * @param appUrl where its ingress listener sends requests
   * @param flags more flags of `start`
   * @param env added to its environment
   */
  static async start(
    appUrl: string,
    flags: readonly string[] = [],
    env: NodeJS.ProcessEnv = {},
  ): Promise<Program> {
    if (!existsSync(BIN) || !existsSync(BUILD)) {
      throw new Error(`the built program is missing (${BIN} or ${BUILD}): run \`npm run build\``);
    }
    const captureDir = await mkdtemp(join(tmpdir(), 'softprobe-e2e-'));
    const ports = ['ingress', 'egress', 'control', 'admin'].flatMap((name) => [`--${name}-port`, '0']);
    const args = ['start', '--json', ...ports, '--app-url', appUrl, '--capture-dir', captureDir, ...flags];
    const child = spawn(process.execPath, [BIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...ownEnvironment(), SOFTPROBE_CA_DIR: AUTHORITY_FOLDER, ...env },
    });
    const log: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => log.push(line));
    try {
      return new Program(child, await readyLine(child, log), captureDir, log);
    } catch (error) {
      child.kill('SIGKILL');
      await rm(captureDir, { recursive: true, force: true });
      throw error;
    }
  }

  /** What it wrote to stderr so far. */
  get log(): string {
    return this.#log.join('\n');
  }

  /** Resident memory now, in bytes. */
  get residentBytes(): number {
    return this.#memory('VmRSS');
  }

  /** The most resident memory it had since the last `forgetPeak`, in bytes. */
  get peakResidentBytes(): number {
    return this.#memory('VmHWM');
  }

  /** Sockets that it has open, those it listens on among them. */
  get openSockets(): number {
    const folder = `/proc/${this.pid}/fd`;
    return readdirSync(folder).filter((fd) => isSocket(`${folder}/${fd}`)).length;
  }

  forgetPeak(): void {
    // proc(5): 5 resets the peak resident set size to what it is now.
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
  }

  /**
   * Stops it by SIGTERM and removes its capture folder.
   *
   * @throws when it does not exit with 0
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), PATIENCE_MS);
    const running = this.#process.exitCode === null && this.#process.signalCode === null;
    const exit = running ? once(this.#process, 'exit') : [this.#process.exitCode, this.#process.signalCode];
    this.#process.kill('SIGTERM');
    const [code, signal] = await exit;
    clearTimeout(kill);
    await rm(this.captureDir, { recursive: true, force: true });
    if (code !== 0) {
      throw new Error(`expected exit code 0 after SIGTERM, got ${code ?? signal}; it logged:\n${this.log}`);
    }
  }

  #memory(line: 'VmRSS' | 'VmHWM'): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const kibibytes = new RegExp(`^${line}:\\s+(\\d+) kB`, 'm').exec(status)?.[1];
    if (kibibytes === undefined) throw new Error(`no ${line} in /proc/${this.pid}/status`);
    return Number(kibibytes) * 1024;
  }
}

/** A descriptor may be closed while we look at it. */
function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(descriptor).startsWith('socket:');
  } catch {
    return false;
  }
}

/** Our environment without what would steer the program or its clients. */
function ownEnvironment(): NodeJS.ProcessEnv {
  const steering = /^(softprobe_|https?_proxy$|no_proxy$|all_proxy$|app_url$|node_options$|node_test_)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !steering.test(name)));
}

async function readyLine(child: ChildProcess, log: readonly string[]): Promise<ReadyLine> {
  const { stdout } = child;
  if (stdout === null) throw new Error('stdout is not a pipe');
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const failed = (what: string) => reject(new Error(`${what}; it logged:\n${log.join('\n')}`));
  const timer = setTimeout(() => failed(`not ready after ${PATIENCE_MS} ms`), PATIENCE_MS);
  createInterface({ input: stdout }).once('line', resolve);
  child.once('exit', (code, signal) => failed(`it ended (${code ?? signal}) before it was ready`));
  try {
    return parseReadyLine(await promise);
  } finally {
    clearTimeout(timer);
  }
}

function parseReadyLine(line: string): ReadyLine {
  const value: unknown = JSON.parse(line);
  const ready = value as Record<string, { url?: unknown } | undefined> & { event?: unknown };
  const names = ['ingress', 'egress', 'control', 'admin'];
  if (ready.event !== 'ready' || !names.every((name) => typeof ready[name]?.url === 'string')) {
    throw new Error(`expected the ready line with four URLs, got ${line}`);
  }
  return value as ReadyLine;
}
