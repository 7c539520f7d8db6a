import { InvalidDocumentError, OtlpError, type ValidationIssue } from '../../cases/index.ts';
import type { Invocation, Result } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure, type FailureDetail } from '../failure.ts';
import { flagValues } from '../flags.ts';
import { type InputDocument, inDocument, readInput } from '../input-document.ts';
import { visible } from '../table.ts';

/**
 * Looks for what is wrong in a document that could be read.
 *
 * @returns warnings
 * @throws {InvalidDocumentError} with a JSON Pointer for each mistake
 */
export type Check = (value: unknown) => Promise<readonly ValidationIssue[]>;

/** What a check came to. */
interface CheckedFile {
  readonly path: string;
  readonly valid: boolean;
  readonly errors: readonly FailureDetail[];
  readonly warnings: readonly FailureDetail[];
}

/** `validate … F…`: checks each file, and ends with 5 where one is not valid, else with 1 where one cannot be read. */
export async function validateFiles({ args }: Invocation, kind: string, check: Check): Promise<Result> {
  const files: CheckedFile[] = [];
  let worst: CliFailure | undefined;
  for (const path of flagValues(args, 'files')) {
    try {
      files.push(await checkFile(path, check));
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      const errors = error.details.length > 0 ? error.details : [{ pointer: '', message: error.message }];
      files.push({ path, valid: false, errors, warnings: [] });
      if (worst === undefined || error.exitCode > worst.exitCode) worst = error;
    }
  }
  const bad = files.filter(({ valid }) => !valid).map(({ path }) => path);
  const [only, ...more] = files;
  return {
    text: files.map(textOf).join('\n'),
    fields: { ...(more.length === 0 && only), files },
    ...(worst !== undefined && {
      exitCode: worst.exitCode,
      error: { code: worst.code, message: `not a valid ${kind} document: ${bad.join(', ')}` },
    }),
  };
}

async function checkFile(path: string, check: Check): Promise<CheckedFile> {
  const input = await readInput(path);
  try {
    const warnings = await located(input, await check(input.value));
    return { path, valid: true, errors: [], warnings };
  } catch (error) {
    const issues = issuesOf(error);
    throw new CliFailure(`${path} is not valid`, {
      exitCode: ExitCode.invalidDocument,
      code: 'invalid_document',
      details: await located(input, issues),
      cause: error,
    });
  }
}

/** @throws what is no mistake in a document */
function issuesOf(error: unknown): readonly ValidationIssue[] {
  if (error instanceof InvalidDocumentError) return error.issues;
  if (error instanceof OtlpError && error.issues.length > 0) return error.issues;
  // The validator recurses with the document; only a hostile one is nested so deeply.
  if (error instanceof RangeError) return [{ pointer: '', message: 'the document is nested too deeply' }];
  throw error;
}

async function located(
  input: InputDocument,
  issues: readonly ValidationIssue[],
): Promise<readonly FailureDetail[]> {
  return (await inDocument(input, new CliFailure('', { details: issues }))).details;
}

function textOf({ path, valid, errors, warnings }: CheckedFile): string {
  const line = (word: string) => (detail: FailureDetail) => {
    const place = detail.line === undefined ? '' : `line ${detail.line}: `;
    return `  ${word}: ${place}${visible(`${detail.pointer || '(document)'}: ${detail.message}`)}`;
  };
  const head = `${visible(path)}: ${valid ? 'valid' : 'not valid'}`;
  return [head, ...errors.map(line('error')), ...warnings.map(line('warning'))].join('\n');
}
