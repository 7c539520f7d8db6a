import type { SkippedHop } from '../../cases/index.ts';
import type { ResponseDifference } from '../../cases/response-comparison.ts';
import type { RunMiss } from '../run/session.ts';

/** A recorded request that was sent again. */
export interface ReplayedRequest {
  /** From 1, as `inspect case` counts the hops of the case. */
  readonly index: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Was the answer the recorded one? */
  readonly passed: boolean;
  readonly expectedStatus: number | null;
  /** Null where no answer came. */
  readonly actualStatus: number | null;
  /** Milliseconds until the answer was complete. */
  readonly durationMs: number;
  readonly differences: readonly ResponseDifference[];
  /** Calls of the service that the recording has no answer for, and that were refused. */
  readonly missedCalls: readonly RunMiss[];
}

/** A case that was replayed. */
export interface ReplayedCase {
  /** As it was given. */
  readonly file: string;
  readonly caseId: string;
  /** Were all answers the recorded ones, and no call refused? */
  readonly passed: boolean;
  readonly requests: readonly ReplayedRequest[];
  /** Requests that were not sent, and why. */
  readonly skipped: readonly SkippedHop[];
  readonly warnings: readonly string[];
  /** How many calls were refused. */
  readonly misses: number;
}

/** All of a run in numbers. */
export interface ReplayTotals {
  /** Requests whose answers were the recorded ones. */
  readonly passed: number;
  readonly failed: number;
  readonly misses: number;
  readonly skipped: number;
  readonly durationMs: number;
}

export function totalsOf(cases: readonly ReplayedCase[]): ReplayTotals {
  const requests = cases.flatMap((replayed) => replayed.requests);
  const passed = requests.filter((request) => request.passed).length;
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    passed,
    failed: requests.length - passed,
    misses: sum(cases.map(({ misses }) => misses)),
    skipped: sum(cases.map(({ skipped }) => skipped.length)),
    durationMs: sum(requests.map(({ durationMs }) => durationMs)),
  };
}

/**
 * The flag by which a difference would be left out; undefined where there is none.
 *
 * @returns such as `--ignore '$.order.placedAt'` or `--ignore-header etag`
 */
export function ignoringFlag(pointer: string): string | undefined {
  const [part, ...tokens] = pointer.slice(1).split('/').map(unescapeToken);
  if ((part === 'headers' || part === 'trailers') && tokens[0] !== undefined) {
    return `--ignore-header ${tokens[0]}`;
  }
  if (part !== 'body') return undefined;
  const path = tokens.map((token) => {
    if (/^[A-Za-z_]\w*$/.test(token)) return `.${token}`;
    return /^\d+$/.test(token) ? `[${token}]` : `["${token.replace(/[\\"]/g, '\\$&')}"]`;
  });
  return `--ignore '${`$${path.join('')}`.replaceAll("'", "'\\''")}'`;
}

function unescapeToken(token: string): string {
  return token.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** A value in a difference, on one line: JSON of at most so many characters. */
export function shownValue(value: unknown, limit = 160): string {
  if (value === undefined) return '(none)';
  const text = JSON.stringify(value);
  return text.length <= limit ? text : `${text.slice(0, limit)}…`;
}
