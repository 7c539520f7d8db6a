import { relative } from 'node:path';
import { table } from '../table.ts';
import type { RunMiss, RunReport } from './session.ts';
import type { RunMode } from './settings.ts';

/** Nothing was recorded and nothing refused: what called past the proxy looks like what made no calls. */
const NOTHING_CAME =
  'no call came by the proxy: a program that ignores HTTPS_PROXY, or uses no proxy for this machine (Go, Ruby), calls past it';

/** What is told of a run at its end: lines for stderr. */
export function reportLines(mode: RunMode, report: RunReport): readonly string[] {
  const { capturePath, hops, answered, refused, misses, warnings } = report;
  const file = mode.kind === 'pass' ? '' : shortPath(mode.file);
  const calls = (count: number) => (count === 1 ? '1 call' : `${count} calls`);
  if (mode.kind === 'capture') {
    const written = capturePath === undefined ? file : shortPath(capturePath);
    const recorded = `recorded ${hops === 1 ? '1 hop' : `${hops} hops`} in ${written}`;
    return [...warnings, recorded, ...(hops === 0 ? [NOTHING_CAME] : [])];
  }
  if (refused === 0) {
    const none = `answered ${calls(answered)} from ${file}, none was missing in it`;
    return [...warnings, none, ...(answered === 0 ? [NOTHING_CAME] : [])];
  }
  const left = refused - misses.length;
  return [
    ...warnings,
    `answered ${calls(answered)} from ${file}; refused ${calls(refused)} that it has no answer for:`,
    ...missTable(misses).split('\n'),
    ...(left > 0 ? [`  and ${left} before these`] : []),
  ];
}

/** Calls that were refused, a row each. */
export function missTable(misses: readonly RunMiss[]): string {
  const rows = misses.map((miss) => [`  ${miss.method}`, shorten(miss.url), nearest(miss)]);
  return table([['  method', 'URL', 'nearest recorded call'], ...rows]);
}

function nearest({ rule, failed = [] }: RunMiss): string {
  if (rule === undefined) return 'none is like it';
  const differences = failed.map(
    ({ key, expected, actual }) => `${key} was ${shown(expected)}, is ${shown(actual)}`,
  );
  return differences.length === 0 ? rule : `${rule}: ${shorten(differences.join('; '))}`;
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'absent';
  return shorten(typeof value === 'string' ? value : JSON.stringify(value));
}

/** A line of a table has its end. */
function shorten(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`;
}

function shortPath(path: string): string {
  const fromHere = relative('', path);
  return fromHere.startsWith('..') ? path : fromHere;
}
