import { styleText } from 'node:util';
import type { CaseDiff, ChangedHop, HopLabel } from '../../cases/diff/case-diff.ts';
import type { HopDifference } from '../../cases/diff/hop-differences.ts';
import { ignoringFlag } from '../replay/result.ts';
import { visible } from '../table.ts';

/** Most differences of one hop that are shown; `--json` has them all. */
const MAX_SHOWN = 50;

/** Longest value that is shown whole, in characters. */
const MAX_VALUE = 120;

/**
 * What differs between two captures, for people: `+` is only in the second, `-` only in the first, `~` in both. In
 * colour on a terminal, unless NO_COLOR says otherwise.
 *
 * @param options.withSummary false where the last line, how much differs, is told elsewhere
 */
export function caseDiffText(
  diff: CaseDiff,
  { withNoise, withSummary = true }: { readonly withNoise: boolean; readonly withSummary?: boolean },
): string {
  const told = new Set<string>();
  const lines = [
    ...diff.changed.flatMap((hop) => changedLines(hop, withNoise, told)),
    ...(withNoise ? diff.noisy.flatMap((hop) => changedLines(hop, true, told)) : []),
    ...diff.removed.map((hop) => styleText('red', `- ${label(hop)}`)),
    ...diff.added.map((hop) => styleText('green', `+ ${label(hop)}`)),
  ];
  if (!withSummary) return lines.join('\n');
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
  return visible(`#${index} ${direction} ${method} ${url} -> ${statusText(status)}`);
}

function statusText(status: number | null): string {
  return status === null ? 'no response' : String(status);
}

function changedLines(
  { left, right, differences, noise }: ChangedHop,
  withNoise: boolean,
  told: Set<string>,
): string[] {
  const there = [
    ...(left.index === right.index ? [] : [`#${right.index}`]),
    ...(left.status === right.status ? [] : [statusText(right.status)]),
  ];
  const place = there.length === 0 ? '' : ` (there ${there.join(', ')})`;
  const sign = differences.length > 0 ? '~' : '=';
  return [
    styleText(differences.length > 0 ? 'yellow' : 'dim', `${sign} ${label(left)}${place}`),
    ...differenceText(differences, told),
    ...(withNoise ? differenceText(noise, told) : []),
  ];
}

/** Where two recordings of a hop differ, in lines below its own. */
function differenceText(differences: readonly HopDifference[], told: Set<string>): string[] {
  const lines = differences.slice(0, MAX_SHOWN).flatMap((difference) => differenceLines(difference, told));
  const left = differences.length - MAX_SHOWN;
  return left > 0 ? [...lines, `    … and ${left} more`] : lines;
}

function differenceLines(difference: HopDifference, told: Set<string>): string[] {
  const { pointer, lines, noise } = difference;
  const place = `    ${visible(pointer)}`;
  if (noise !== undefined) {
    return [styleText('dim', `${place}: ${values(difference)} (${noise})`)];
  }
  const hint = hintOf(difference, told);
  if (lines === undefined) return [`${place}: ${values(difference)}${hint}`];
  return [`${place}:${hint}`, ...lines.split('\n').map(patchLine)];
}

/** How to leave a difference out, where a flag does; said once, also where it leaves out many. */
function hintOf({ pointer, isFormParameter }: HopDifference, told: Set<string>): string {
  if (isFormParameter) return '';
  // The same member of every element: a list seldom has the one and not the other.
  const flag = ignoringFlag(pointer.replace(/^\/(?:request|response)/, ''))?.replace(
    /\[\d+\](?=[.[])/g,
    '[*]',
  );
  if (flag === undefined || told.has(flag)) return '';
  told.add(flag);
  return styleText('dim', ` (${visible(flag)} leaves it out)`);
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
