import { CaseFileError, writeCaseFile } from '../../cases/case-file.ts';
import type { CaseDocument } from '../../cases/index.ts';
import type { ScrubbedCase, Scrubber } from '../../cases/secrets/scrubber.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';

/**
 * Takes the secrets out of a case.
 *
 * @param onTrace is told how many traces are done
 * @throws {CliFailure} for a case that nobody can go through
 */
export function scrubCase(
  scrubber: Scrubber,
  path: string,
  document: CaseDocument,
  onTrace: (done: number) => void,
): ScrubbedCase {
  try {
    return scrubber.scrub(document, onTrace);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new CliFailure(`${path} is nested too deeply`, {
      exitCode: ExitCode.invalidDocument,
      code: 'invalid_case',
      cause,
    });
  }
}

/**
 * Writes a case in the place of the one that was read.
 *
 * @throws {CliFailure} when it cannot be written; the file is then as it was
 */
export async function rewriteCase(path: string, document: CaseDocument): Promise<void> {
  try {
    await writeCaseFile(path, document);
  } catch (cause) {
    if (!(cause instanceof CaseFileError)) throw cause;
    throw new CliFailure(cause.message, { code: 'unwritable_file', cause });
  }
}
