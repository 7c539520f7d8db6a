import { styleText } from 'node:util';
import type { CaseDiff, ChangedHop, HopLabel } from '../../cases/diff/case-diff.ts';
import type { HopDifference } from '../../cases/diff/hop-differences.ts';
import { visible } from '../table.ts';

/** Most differences of one hop that are shown; `--json` has them all. */
const MAX_SHOWN = 50;

/** Longest value that is shown whole, in characters. */
const MAX_VALUE = 120;

/**
 * What differs between two captures, for people: `+` is only in the second, `-` only in the first, `~` in both. In
 * colour on a terminal, unless NO_COLOR says otherwise.
 */
export function caseDiffText(diff: CaseDiff, { withNoise }: { readonly withNoise: boolean }): string {
  const lines = [
    ...diff.changed.flatMap((hop) => changedLines(hop, withNoise)),
    ...(withNoise ? diff.noisy.flatMap((hop) => changedLines(hop, true)) : []),
    ...diff.removed.map((hop) => styleText('red', `- ${label(hop)}`)),
    ...diff.added.map((hop) => styleText('green', `+ ${label(hop)}`)),
  ];
  return [...lines, ...(lines.length > 0 ? [''] : []), summary(diff, withNoise)].join('\n');
}

/** One line: how much differs. */
export function summary(
  { added, removed, changed, unchangedCount, noiseCount }: CaseDiff,
  withNoise = true,
): string {
  const counts = [
    `${added.length} added`,
    `${removed.length} removed`,
    `${changed.length} changed`,
    `${unchangedCount} the same`,
  ];
  const hint = withNoise ? '' : '; --noise shows it';
  const noise = noiseCount === 0 ? '' : ` (${noiseCount} differences are noise${hint})`;
  return counts.join(', ') + noise;
}

function label({ index, direction, method, url, status }: HopLabel): string {
  return visible(`#${index} ${direction} ${method} ${url} -> ${status ?? 'no response'}`);
}

function changedLines({ left, right, differences, noise }: ChangedHop, withNoise: boolean): string[] {
  const place = left.index === right.index ? '' : ` (#${right.index} there)`;
  const sign = differences.length > 0 ? '~' : '=';
  return [
    styleText(differences.length > 0 ? 'yellow' : 'dim', `${sign} ${label(left)}${place}`),
    ...differenceText(differences),
    ...(withNoise ? differenceText(noise) : []),
  ];
}

/** Where two recordings of a hop differ, in lines below its own. */
function differenceText(differences: readonly HopDifference[]): string[] {
  const lines = differences.slice(0, MAX_SHOWN).flatMap(differenceLines);
  const left = differences.length - MAX_SHOWN;
  return left > 0 ? [...lines, `    … and ${left} more`] : lines;
}

function differenceLines(difference: HopDifference): string[] {
  const { pointer, lines, noise } = difference;
  const place = `    ${visible(pointer)}`;
  if (noise !== undefined) {
    return [styleText('dim', `${place}: ${values(difference)} (${noise})`)];
  }
  if (lines === undefined) return [`${place}: ${values(difference)}`];
  return [`${place}:`, ...lines.split('\n').map(patchLine)];
}

function values(difference: HopDifference): string {
  const side = (name: 'left' | 'right') =>
    Object.hasOwn(difference, name) ? shortened(JSON.stringify(difference[name])) : '(none)';
  return `${side('left')} -> ${side('right')}`;
}

/** A line of a unified diff. */
export function patchLine(line: string): string {
  const text = `      ${visible(line)}`;
  if (line.startsWith('+')) return styleText('green', text);
  return line.startsWith('-') ? styleText('red', text) : styleText('dim', text);
}

function shortened(text: string): string {
  return visible(text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE)}…`);
}
