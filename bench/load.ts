import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { commandOn } from './cores.ts';
import { cpuSecondsOf } from './cpu-time.ts';

/** Connections that ask all the time, each waiting for its answer before it asks again. */
export const CONNECTIONS = 32;

/** Where the load goes in one stretch. */
export interface Target {
  readonly url: string;
  /** Header lines such as `name: value`. */
  readonly headers: readonly string[];
  /** The forward proxy to ask for it; undefined: the URL is asked directly. */
  readonly proxy?: string;
  /** PEM file of the only authority that the client trusts, for `https:`. */
  readonly authority?: string;
}

/** What one stretch of load saw, and what it cost. */
export interface Sample {
  readonly requestsPerSecond: number;
  /** Requests answered. */
  readonly requests: number;
  /** Milliseconds. */
  readonly p50: number;
  /** Milliseconds. */
  readonly p99: number;
  /** Processor time of the loaded process for one request, in microseconds; NaN where it cannot be known. */
  readonly cpu: number;
}

/** How long, from which core, and on which process; undefined: not pinned, or no process to watch. */
export interface Stretch {
  readonly seconds: number;
  readonly core: number | undefined;
  readonly pid: number | undefined;
}

const runFile = promisify(execFile);
const wrkScript = fileURLToPath(new URL('load.lua', import.meta.url));
const ownGenerator = fileURLToPath(new URL('load-generator.ts', import.meta.url));

/**
 * Tells whether wrk is there.
 *
 * @throws when it is not. What is asked directly has no second generator: figures of two would not compare.
 */
export function requireWrk(): void {
  if (spawnSync('wrk', ['--version'], { stdio: 'ignore' }).error !== undefined) {
    throw new Error(
      'wrk is not installed. Debian and Ubuntu: apt-get install wrk. macOS: brew install wrk. Source: https://github.com/wg/wrk',
    );
  }
}

/**
 * Loads a target for a while: by wrk, or by a generator of ours what wrk cannot ask (a forward proxy) or would ask
 * without looking at the certificate (TLS). Ours keeps up with wrk for so few bytes: 43,000 requests/s of TLS to
 * nginx on the same core where wrk makes 52,000.
 *
 * @throws when an answer was not 2xx or 3xx, when a connection failed or when nothing was answered: a
 * server that refuses is fast, and its figure would be worthless
 */
export async function applyLoad(target: Target, stretch: Stretch): Promise<Sample> {
  const { seconds, core, pid } = stretch;
  const byWrk = target.proxy === undefined && target.url.startsWith('http:');
  const [file = '', ...args] = commandOn(core, byWrk ? wrk(target, seconds) : ours(target, stretch));
  const before = pid === undefined ? Number.NaN : cpuSecondsOf(pid);
  const { stdout } = await runFile(file, args, { timeout: (seconds + 20) * 1000 });
  const used = pid === undefined ? Number.NaN : cpuSecondsOf(pid) - before;
  const line = stdout.split('\n').find((text) => text.startsWith('result '));
  if (line === undefined) throw new Error(`no result line for the load on ${target.url}:\n${stdout}`);
  const {
    requests,
    seconds: elapsed,
    p50,
    p99,
    badStatus,
    socketErrors,
    cpuSeconds = used,
  } = readResult(line);
  if (requests === 0 || badStatus > 0 || socketErrors > 0) {
    throw new Error(
      `load on ${target.url} went wrong: ${requests} answers, of them ${badStatus} not what was asked for, and ${socketErrors} socket errors`,
    );
  }
  return { requestsPerSecond: requests / elapsed, requests, p50, p99, cpu: (cpuSeconds / requests) * 1e6 };
}

function wrk({ url, headers }: Target, seconds: number): readonly string[] {
  return [
    'wrk',
    '--threads=1',
    `--connections=${CONNECTIONS}`,
    `--duration=${seconds}s`,
    `--script=${wrkScript}`,
    ...headers.flatMap((line) => ['--header', line]),
    url,
  ];
}

function ours(target: Target, { seconds, pid }: Stretch): readonly string[] {
  const order = { target, connections: CONNECTIONS, seconds, pid };
  return [process.execPath, ownGenerator, JSON.stringify(order)];
}

interface Result
  extends Record<'requests' | 'seconds' | 'p50' | 'p99' | 'badStatus' | 'socketErrors', number> {
  /** Where the generator looked itself, to leave handshakes out. */
  readonly cpuSeconds?: number;
}

function readResult(line: string): Result {
  return JSON.parse(line.slice('result '.length)) as Result;
}
