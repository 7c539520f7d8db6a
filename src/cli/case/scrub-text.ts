import { visible } from '../table.ts';
import type { ScrubbedFile } from './scrub-files.ts';

/** Most findings of a file that are listed; `--json` has them all. */
const MAX_LISTED = 100;

/** What was found in each file: where, and of which kind. Never the secret. */
export function scrubText(files: readonly ScrubbedFile[], isCheck: boolean): string {
  return files.flatMap((file) => fileLines(file, isCheck)).join('\n');
}

function fileLines({ path, findings, error }: ScrubbedFile, isCheck: boolean): string[] {
  // Why, is told on stderr.
  if (error !== undefined) return [`${visible(path)}: not ${isCheck ? 'checked' : 'scrubbed'}`];
  const count = findings.length === 1 ? '1 secret' : `${findings.length} secrets`;
  const head = findings.length === 0 ? 'nothing to hide' : isCheck ? count : `${count} hidden`;
  const lines = findings.slice(0, MAX_LISTED).map(({ kind, encoding, pointer }) => {
    const how = encoding.length === 0 ? '' : ` (${encoding.join(' of ')})`;
    return `  ${kind}${how} at ${visible(pointer)}`;
  });
  const more = findings.length > MAX_LISTED ? [`  … and ${findings.length - MAX_LISTED} more`] : [];
  return [`${visible(path)}: ${head}`, ...lines, ...more];
}
