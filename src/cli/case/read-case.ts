// Not by way of cases/index.ts: that loads the matchers of rules too, which takes longer than most cases.
import { CaseFileError, type CaseFileProblem, readCaseFile } from '../../cases/case-file.ts';
import type { CaseDocument } from '../../cases/index.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { beginReading, type ProgressLine } from '../progress.ts';

/** Problems that lie in the document and not in the way to it. */
const documentProblems: readonly CaseFileProblem[] = ['empty', 'not-text', 'not-json', 'invalid'];

/**
 * Reads a case file for a command.
 *
 * @param progress is told that the file is read
 * @throws {CliFailure} with exit code 1 when the file cannot be read, 5 when it is not a case
 */
export async function readCase(path: string, progress?: ProgressLine): Promise<CaseDocument> {
  if (progress !== undefined) await beginReading(progress, path);
  try {
    return await readCaseFile(path);
  } catch (error) {
    if (!(error instanceof CaseFileError)) throw error;
    const isInvalid = documentProblems.includes(error.problem);
    const [, ...more] = error.issues.map(({ pointer, message }) => `  ${pointer} ${message}`);
    throw new CliFailure([error.message, ...more].join('\n'), {
      exitCode: isInvalid ? ExitCode.invalidDocument : ExitCode.failure,
      code: isInvalid ? 'invalid_case' : 'unreadable_case',
      cause: error,
    });
  }
}
