import { structuredPatch } from 'diff';
import { asItIs, denoise, type Reading } from './noise.ts';

/** Lines around a change. */
const CONTEXT_LINES = 2;

/** Longest texts that are compared line by line, in characters; and most lines that may differ. */
const MAX_TEXT = 4 * 1024 * 1024;
const MAX_EDITS = 2000;

/** Longest line that is shown whole. */
const MAX_LINE = 300;

/**
 * The lines in which two texts differ, as the hunks of a unified diff; undefined where they are too long or too
 * different for one to be of use. Noise in them is shown as its kind, `{time}`.
 *
 * @param read gives a left text as the right capture would have it
 */
export function textDifference(left: string, right: string, read: Reading = asItIs): string | undefined {
  if (left.length + right.length > MAX_TEXT) return undefined;
  const patch = structuredPatch('', '', denoise(read(left)).text, denoise(right).text, undefined, undefined, {
    context: CONTEXT_LINES,
    maxEditLength: MAX_EDITS,
  });
  return patch?.hunks
    .map(({ oldStart, oldLines, newStart, newLines, lines }) =>
      [`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`, ...lines.map(shortened)].join('\n'),
    )
    .join('\n');
}

function shortened(line: string): string {
  return line.length <= MAX_LINE ? line : `${line.slice(0, MAX_LINE)}…`;
}
