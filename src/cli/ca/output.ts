import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Invocation, Result } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure, UsageError } from '../failure.ts';
import { readWord } from '../flag-value.ts';
import { flagValue } from '../flags.ts';

/** `--out` of the commands that make a trust file. */
export const outFlag = {
  out: { type: 'string', requiresArg: true, describe: 'File to write; stdout where it is left out' },
} as const;

/**
 * Hands over what a command made: to the file of `--out`, else to stdout; with `--json` and no file, inside the
 * document, bytes as base64. Certificates are public, so that the file gets the usual rights: programs of other users
 * are to read it.
 *
 * @param content text, or bytes that no terminal should see
 * @param fields what else to tell with `--json`
 * @throws {UsageError} for bytes that would go to a terminal
 * @throws {CliFailure} when the file cannot be written
 */
export async function handOver(
  { args, json }: Invocation,
  content: string | Uint8Array,
  fields: Readonly<Record<string, unknown>>,
): Promise<Result | number> {
  const out = flagValue(args, 'out');
  if (out !== undefined) {
    const path = resolve(readWord('--out', out));
    await write(path, content);
    return { text: '', fields: { ...fields, path, content: null, encoding: null } };
  }
  const isText = typeof content === 'string';
  if (json) {
    const encoded = isText ? content : Buffer.from(content).toString('base64');
    const encoding = isText ? 'utf8' : 'base64';
    return { text: '', fields: { ...fields, path: null, content: encoded, encoding } };
  }
  if (isText) return { text: content.trimEnd(), fields };
  if (process.stdout.isTTY) {
    throw new UsageError('this format is binary and stdout is a terminal: name a file by --out');
  }
  await new Promise<void>((resolve) => process.stdout.write(content, () => resolve()));
  return ExitCode.ok;
}

async function write(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, content);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'EISDIR' ? 'is a directory; name a file in it' : `cannot be written (${code})`;
    throw new CliFailure(`--out: ${path} ${why}`, { code: 'unwritable_file', cause });
  }
}
