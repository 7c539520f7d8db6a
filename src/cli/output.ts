import type { Result } from './command.ts';
import { ExitCode } from './exit-code.ts';
import type { CliFailure, FailureDetail } from './failure.ts';
import { visible } from './table.ts';

/** What `--json` prints, before the fields of the command (schemas/cli/result.schema.json). */
interface ResultHead {
  readonly status: 'ok' | 'fail' | 'drift';
  readonly exitCode: number;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details?: readonly FailureDetail[];
  } | null;
}

/**
 * Prints what a command has to tell: text or one JSON document on stdout, an error on stderr as well.
 *
 * @returns the exit code
 */
export async function printResult(result: Result, json: boolean): Promise<number> {
  const { text, fields, exitCode = ExitCode.ok, error } = result;
  if (json) {
    await printDocument({ status: statusOf(exitCode), exitCode, error: error ?? null }, fields);
  } else if (text !== '') {
    await print(process.stdout, `${text}\n`);
  }
  if (error !== undefined) await printError(error.message);
  return exitCode;
}

/**
 * Prints why a command came to nothing.
 *
 * @param hint a line for people that says where to read more
 * @returns the exit code
 */
export async function printFailure(failure: CliFailure, json: boolean, hint?: string): Promise<number> {
  const { exitCode, code, message, details } = failure;
  if (json) {
    const error = { code, message, ...(details.length > 0 && { details }) };
    await printDocument({ status: statusOf(exitCode), exitCode, error }, {});
  }
  await printError(hint === undefined ? message : `${message}\n${hint}`);
  return exitCode;
}

/** A line for people. Messages may repeat what came from outside: what a terminal would act on is made visible. */
export function printError(message: string): Promise<void> {
  return print(process.stderr, `softprobe-proxy: ${message.split('\n').map(visible).join('\n')}\n`);
}

function statusOf(exitCode: number): ResultHead['status'] {
  if (exitCode === ExitCode.ok) return 'ok';
  return exitCode === ExitCode.drift ? 'drift' : 'fail';
}

function printDocument(head: ResultHead, fields: Readonly<Record<string, unknown>>): Promise<void> {
  return print(process.stdout, `${JSON.stringify({ ...head, ...fields }, undefined, 2)}\n`);
}

/** Resolves when the text is on its way: the program may exit then. */
export function print(stream: NodeJS.WriteStream, text: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  // An error is the business of the stream's `error` listener: main.ts ends the program quietly there.
  stream.write(text, () => resolve());
  return promise;
}
