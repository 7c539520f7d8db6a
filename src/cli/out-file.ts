import { resolve } from 'node:path';
import { CaseFileError, writeCaseFile } from '../cases/case-file.ts';
import type { CaseDocument } from '../cases/index.ts';
import { CliFailure } from './failure.ts';

/**
 * Writes a case that a command has made.
 *
 * @returns the absolute path
 * @throws {CliFailure} when it cannot be written; a file that was there is then untouched
 */
export async function writeCase(path: string, document: CaseDocument): Promise<string> {
  try {
    await writeCaseFile(path, document);
    return resolve(path);
  } catch (cause) {
    if (!(cause instanceof CaseFileError)) throw cause;
    throw new CliFailure(`--out: ${cause.message}`, { code: 'unwritable_file', cause });
  }
}
