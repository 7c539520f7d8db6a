import type { SecretFinding } from '../../cases/secrets/scrubber.ts';
import { visible } from '../table.ts';

/** Most findings of a file that are listed; `--json` has them all. */
const MAX_LISTED = 100;

/** What was found in each file: where, and of which kind. Never the secret. */
export function scrubText(
  files: readonly { readonly path: string; readonly findings: readonly SecretFinding[] }[],
  isCheck: boolean,
): string {
  return files.flatMap(({ path, findings }) => fileLines(path, findings, isCheck)).join('\n');
}

function fileLines(path: string, findings: readonly SecretFinding[], isCheck: boolean): string[] {
  const count = findings.length === 1 ? '1 secret' : `${findings.length} secrets`;
  const head = findings.length === 0 ? 'nothing to hide' : isCheck ? count : `${count} hidden`;
  const lines = findings.slice(0, MAX_LISTED).map(({ kind, encoding, pointer }) => {
    const how = encoding.length === 0 ? '' : ` (${encoding.join(' of ')})`;
    return `  ${kind}${how} at ${visible(pointer)}`;
  });
  const more = findings.length > MAX_LISTED ? [`  … and ${findings.length - MAX_LISTED} more`] : [];
  return [`${visible(path)}: ${head}`, ...lines, ...more];
}
