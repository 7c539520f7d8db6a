import { caseFromHar, type HarImportOptions, type ImportedCase } from '../../cases/har/har-import.ts';
import { InvalidDocumentError } from '../../cases/index.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { inDocument, readInput } from '../input-document.ts';

/** @throws {CliFailure} with exit code 1 when the file cannot be read, 5 when it is no archive */
export async function readHar(path: string, options: HarImportOptions): Promise<ImportedCase> {
  const input = await readInput(path);
  try {
    return caseFromHar(input.value, options);
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    const failure = new CliFailure(error.message, {
      exitCode: ExitCode.invalidDocument,
      code: 'invalid_har',
      details: error.issues,
      cause: error,
    });
    throw await inDocument(input, failure);
  }
}
