import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { commandOn } from './cores.ts';

/** Connections that ask all the time, each waiting for its answer before it asks again. */
export const CONNECTIONS = 32;

/** What one stretch of load saw. */
export interface Sample {
  readonly requestsPerSecond: number;
  /** Requests answered. */
  readonly requests: number;
  /** Milliseconds. */
  readonly p50: number;
  /** Milliseconds. */
  readonly p99: number;
}

const runFile = promisify(execFile);
const script = fileURLToPath(new URL('load.lua', import.meta.url));

/**
 * Tells whether the load generator is there.
 *
 * @throws when it is not. There is no fallback in JavaScript: on two cores such a generator is slower than
 * what it should measure, and its figures would be its own.
 */
export function requireLoadGenerator(): void {
  if (spawnSync('wrk', ['--version'], { stdio: 'ignore' }).error !== undefined) {
    throw new Error(
      'wrk is not installed. Debian and Ubuntu: apt-get install wrk. macOS: brew install wrk. Source: https://github.com/wg/wrk',
    );
  }
}

/**
 * Loads one URL for a while.
 *
 * @param headers header lines such as `name: value`
 * @throws when an answer was not 2xx or 3xx, when a connection failed or when nothing was answered: a
 * server that refuses is fast, and its figure would be worthless
 */
export async function applyLoad(
  url: string,
  headers: readonly string[],
  seconds: number,
  core: number | undefined,
): Promise<Sample> {
  const [file = '', ...args] = commandOn(core, [
    'wrk',
    '--threads=1',
    `--connections=${CONNECTIONS}`,
    `--duration=${seconds}s`,
    `--script=${script}`,
    ...headers.flatMap((line) => ['--header', line]),
    url,
  ]);
  const { stdout } = await runFile(file, args, { timeout: (seconds + 20) * 1000 });
  const line = stdout.split('\n').find((text) => text.startsWith('result '));
  if (line === undefined) throw new Error(`wrk printed no result line for ${url}:\n${stdout}`);
  const { requests, seconds: elapsed, p50, p99, badStatus, socketErrors } = readResult(line);
  if (requests === 0 || badStatus > 0 || socketErrors > 0) {
    throw new Error(
      `load on ${url} went wrong: ${requests} answers, of them ${badStatus} with an error status, and ${socketErrors} socket errors`,
    );
  }
  return { requestsPerSecond: requests / elapsed, requests, p50, p99 };
}

interface Result
  extends Record<'requests' | 'seconds' | 'p50' | 'p99' | 'badStatus' | 'socketErrors', number> {}

function readResult(line: string): Result {
  return JSON.parse(line.slice('result '.length)) as Result;
}
