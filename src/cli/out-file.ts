import { caseText } from '../cases/case-file.ts';
import type { CaseDocument } from '../cases/index.ts';
import { AtomicFile } from './atomic-file.ts';

/**
 * Writes a case that a command has made.
 *
 * @returns the absolute path
 * @throws {CliFailure} when it cannot be written; a file that was there is then untouched
 */
export async function writeCase(path: string, document: CaseDocument): Promise<string> {
  await using file = await AtomicFile.create('--out', path);
  await file.write(caseText(document));
  return file.path;
}
