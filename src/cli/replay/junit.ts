import { visible } from '../table.ts';
import { type ReplayedCase, type ReplayedRequest, shownValue, totalsOf } from './result.ts';

/**
 * The results as JUnit XML: a test suite for each case, a test case for each request. A request with refused calls
 * fails there even if its answer is the recorded one: the format has no exit code that could tell of them.
 */
export function junitReport(cases: readonly ReplayedCase[]): string {
  const { durationMs } = totalsOf(cases);
  const counts = cases.map(countsOf);
  const total = (name: keyof Counts) => counts.reduce((sum, count) => sum + count[name], 0);
  const head = attributes({
    name: 'softprobe-proxy replay run',
    tests: total('tests'),
    failures: total('failures'),
    errors: 0,
    skipped: total('skipped'),
    time: seconds(durationMs),
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${head}>`,
    ...cases.flatMap(suiteLines),
    '</testsuites>',
    '',
  ].join('\n');
}

interface Counts {
  readonly tests: number;
  readonly failures: number;
  readonly skipped: number;
}

function countsOf({ requests, skipped }: ReplayedCase): Counts {
  return {
    tests: requests.length + skipped.length,
    failures: requests.filter(hasFailed).length,
    skipped: skipped.length,
  };
}

function hasFailed({ passed, missedCalls }: ReplayedRequest): boolean {
  return !passed || missedCalls.length > 0;
}

function suiteLines(replayed: ReplayedCase): string[] {
  const { file, caseId, requests, skipped, warnings } = replayed;
  const counts = countsOf(replayed);
  const time = seconds(totalsOf([replayed]).durationMs);
  const { tests, failures } = counts;
  const head = attributes({ name: caseId, file, tests, failures, errors: 0, skipped: counts.skipped, time });
  const notes = warnings.map((warning) => text(`warning: ${warning}`)).join('\n');
  return [
    `  <testsuite${head}>`,
    ...requests.flatMap((request) => testLines(request, caseId)),
    ...skipped.flatMap(({ index, request, reason }) => [
      `    <testcase${attributes({ name: `#${index} ${request}`, classname: caseId, time: 0 })}>`,
      `      <skipped${attributes({ message: reason })}/>`,
      '    </testcase>',
    ]),
    ...(notes === '' ? [] : [`    <system-out>${notes}</system-out>`]),
    '  </testsuite>',
  ];
}

function testLines(request: ReplayedRequest, caseId: string): string[] {
  const { index, method, path, durationMs } = request;
  const name = `#${index} ${method} ${path}`;
  const head = attributes({ name, classname: caseId, time: seconds(durationMs) });
  if (!hasFailed(request)) return [`    <testcase${head}/>`];
  const { differences, missedCalls } = request;
  const [first] = differences;
  const message =
    first === undefined
      ? `calls refused that the recording has no answer for: ${missedCalls.length}`
      : `${first.pointer}: expected ${shownValue(first.expected)}, got ${shownValue(first.actual)}`;
  const type = first === undefined ? 'strict_misses' : 'drift';
  const lines = [
    ...differences.flatMap(({ pointer, expected, actual, lines: changed }) => [
      `${pointer}: expected ${shownValue(expected)}, got ${shownValue(actual)}`,
      ...(changed === undefined ? [] : changed.split('\n')),
    ]),
    ...missedCalls.map((call) => `refused: ${call.method} ${call.url}`),
  ];
  return [
    `    <testcase${head}>`,
    `      <failure${attributes({ message, type })}>${lines.map(text).join('\n')}</failure>`,
    '    </testcase>',
  ];
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${text(String(value))}"`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A line as XML 1.0 may have it: what is no character there (section 2.2) becomes visible instead. */
function text(line: string): string {
  return visible(line)
    .replace(/[\uFFFE\uFFFF]/g, '\uFFFD')
    .replace(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
