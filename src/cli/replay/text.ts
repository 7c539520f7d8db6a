import { styleText } from 'node:util';
import type { ResponseDifference } from '../../cases/response-comparison.ts';
import { patchLine } from '../case/case-diff-text.ts';
import { missTable } from '../run/report.ts';
import { counted } from '../session/change.ts';
import { visible } from '../table.ts';
import { ignoringFlag, type ReplayedCase, type ReplayedRequest, shownValue, totalsOf } from './result.ts';

/** Most differences of one request that are shown; `--json` and the reports have more. */
const MAX_SHOWN = 50;

/** What came of a replay, for people. In colour on a terminal, unless NO_COLOR says otherwise. */
export function replayText(cases: readonly ReplayedCase[]): string {
  const isClean = cases.every(({ passed }) => passed);
  const summary = styleText([isClean ? 'green' : 'red', 'bold'], summaryOf(cases));
  return [...cases.flatMap(caseLines), summary].join('\n');
}

/** One line: how many answers were the recorded ones. */
export function summaryOf(cases: readonly ReplayedCase[]): string {
  const { passed, failed, misses, skipped, durationMs } = totalsOf(cases);
  return [
    `${counted(passed + failed, 'request')}: ${passed} passed, ${failed} failed`,
    ...(skipped > 0 ? [`, ${skipped} skipped`] : []),
    ...(misses > 0 ? [`; ${counted(misses, 'call')} refused`] : []),
    ` (${Math.round(durationMs)} ms)`,
  ].join('');
}

function caseLines({ file, caseId, requests, skipped, warnings, misses }: ReplayedCase): string[] {
  const told = requests.reduce((sum, { missedCalls }) => sum + missedCalls.length, 0);
  return [
    styleText('bold', visible(`${caseId} (${file})`)),
    ...requests.flatMap(requestLines),
    ...skipped.map(({ index, request, reason }) =>
      styleText('dim', visible(`  - #${index} ${request}: skipped, ${reason}`)),
    ),
    ...(misses > told ? [`  ${counted(misses - told, 'more call')} refused`] : []),
    ...warnings.map((warning) => styleText('yellow', visible(`  ! ${warning}`))),
    '',
  ];
}

function requestLines(request: ReplayedRequest): string[] {
  const { index, method, path, passed, expectedStatus, actualStatus, durationMs } = request;
  const { differences, missedCalls } = request;
  const status =
    expectedStatus === actualStatus
      ? `${actualStatus ?? 'no answer'}`
      : `${expectedStatus ?? 'no answer'} -> ${actualStatus ?? 'no answer'}`;
  const line = visible(`#${index} ${method} ${path}  ${status}  (${Math.round(durationMs)} ms)`);
  const left = differences.length - MAX_SHOWN;
  return [
    passed ? `  ${styleText('green', '✓')} ${line}` : `  ${styleText('red', `✗ ${line}`)}`,
    ...differences.slice(0, MAX_SHOWN).flatMap(differenceLines),
    ...(left > 0 ? [`      … and ${left} more`] : []),
    ...(missedCalls.length > 0
      ? [
          styleText(
            'yellow',
            `      refused, since the recording has no answer for ${missedCalls.length === 1 ? 'it' : 'them'}:`,
          ),
          ...missTable(missedCalls)
            .split('\n')
            .map((row) => `      ${row}`),
        ]
      : []),
  ];
}

function differenceLines(difference: ResponseDifference): string[] {
  const { pointer, expected, actual, lines } = difference;
  const place = `      ${visible(pointer)}:`;
  const hint = hintOf(difference);
  const told = hint === undefined ? '' : styleText('dim', ` (${visible(hint)})`);
  if (lines !== undefined) {
    return [`${place}${told}`, ...lines.split('\n').map((line) => `  ${patchLine(line)}`)];
  }
  const before = styleText('red', visible(shownValue(expected)));
  return [`${place} ${before} -> ${styleText('green', visible(shownValue(actual)))}${told}`];
}

/** How to leave out a difference that looks like one of every run; undefined for others. */
export function hintOf({ pointer, looksLike }: ResponseDifference): string | undefined {
  const flag = ignoringFlag(pointer);
  if (looksLike === undefined || flag === undefined) return undefined;
  const what = looksLike === 'derived' ? 'it follows from the body' : `it looks like a ${looksLike}`;
  return `${what}; ${flag} leaves it out`;
}
