import { InvalidDocumentError, OtlpError, type ValidationIssue } from '../../cases/index.ts';
import type { Invocation, Result } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure, type FailureDetail } from '../failure.ts';
import { flagValues } from '../flags.ts';
import { type InputDocument, inDocument, readInput } from '../input-document.ts';
import { beginReading, progressLine } from '../progress.ts';
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

/** A file, and why it failed, if it did: its mistakes, or that it cannot be read. */
interface Outcome {
  readonly file: CheckedFile;
  readonly failure: CliFailure | undefined;
}

/** `validate … F…`: checks each file, and ends with 5 where one is not valid, else with 1 where one cannot be read. */
export async function validateFiles(invocation: Invocation, kind: string, check: Check): Promise<Result> {
  using progress = progressLine(invocation);
  const outcomes: Outcome[] = [];
  for (const path of flagValues(invocation.args, 'files')) {
    await beginReading(progress, path);
    outcomes.push(await outcomeOf(path, check));
  }
  const files = outcomes.map(({ file }) => file);
  const [only, ...more] = files;
  const [worst] = outcomes
    .flatMap(({ failure }) => failure ?? [])
    .toSorted((a, b) => b.exitCode - a.exitCode);
  return {
    text: outcomes.map(textOf).join('\n'),
    fields: { ...(more.length === 0 && only), files },
    ...(worst !== undefined && {
      exitCode: worst.exitCode,
      error: { code: worst.code, message: messageOf(outcomes, kind) },
    }),
  };
}

async function outcomeOf(path: string, check: Check): Promise<Outcome> {
  try {
    return { file: await checkFile(path, check), failure: undefined };
  } catch (failure) {
    if (!(failure instanceof CliFailure)) throw failure;
    const errors = failure.details.length > 0 ? failure.details : [{ pointer: '', message: failure.message }];
    return { file: { path, valid: false, errors, warnings: [] }, failure };
  }
}

/** Of a file that could not be read nobody knows whether it is valid. */
function isUnread({ failure }: Outcome): boolean {
  return failure !== undefined && failure.exitCode !== ExitCode.invalidDocument;
}

function messageOf(outcomes: readonly Outcome[], kind: string): string {
  const invalid = outcomes.filter((outcome) => !outcome.file.valid && !isUnread(outcome));
  return [
    ...(invalid.length === 0
      ? []
      : [`not a valid ${kind} document: ${invalid.map(({ file }) => file.path).join(', ')}`]),
    ...outcomes.filter(isUnread).map(({ failure }) => failure?.message ?? ''),
  ].join('\n');
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

function textOf(outcome: Outcome): string {
  const { path, valid, errors, warnings } = outcome.file;
  // Why, is told on stderr.
  if (isUnread(outcome)) return `${visible(path)}: not checked`;
  const line = (word: string) => (detail: FailureDetail) => {
    const place = detail.line === undefined ? '' : `line ${detail.line}: `;
    return `  ${word}: ${place}${visible(`${detail.pointer || '(document)'}: ${detail.message}`)}`;
  };
  const head = `${visible(path)}: ${valid ? 'valid' : 'not valid'}`;
  return [head, ...errors.map(line('error')), ...warnings.map(line('warning'))].join('\n');
}
