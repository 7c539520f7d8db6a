import type { Invocation, Result } from '../command.ts';
import { type ApiAnswer, ControlApi, numberIn, sessionPath, textIn, textsIn } from '../control-api.ts';
import { CliFailure } from '../failure.ts';
import { type InputDocument, inDocument, readInput } from '../input-document.ts';
import { visible } from '../table.ts';
import { demandFlag, readSessionId } from './flag.ts';

/**
 * Sends a document to a session. What the runtime finds wrong with it is told with the file's name and lines.
 *
 * @param call `rules`, `load-case`, …
 * @throws {CliFailure}
 */
export async function sendDocument(
  api: ControlApi,
  sessionId: string,
  call: string,
  document: InputDocument,
): Promise<ApiAnswer> {
  try {
    return await api.postText(sessionPath(sessionId, call), document.json);
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    const isAboutDocument = ['invalid_request', 'payload_too_large'].includes(error.code);
    throw isAboutDocument ? await inDocument(document, error) : error;
  }
}

/**
 * What the commands do that replace a part of a session by the document of `--file`.
 *
 * @param describe what has changed, in words
 * @throws {CliFailure}
 */
export async function applyDocument(
  invocation: Invocation,
  call: string,
  describe: (changed: ApiAnswer) => string,
): Promise<Result> {
  const sessionId = readSessionId(invocation);
  const document = await readInput(demandFlag(invocation, 'file'));
  const changed = await sendDocument(ControlApi.of(invocation), sessionId, call, document);
  return changeResult(invocation, changed, describe(changed));
}

/** A change of a session: `session sess_…: 2 rules (revision 3)`. */
export function changeResult({ note }: Invocation, changed: ApiAnswer, what: string): Result {
  noteWarnings(changed, note);
  const text = `session ${textIn(changed, 'sessionId')}: ${what} (revision ${numberIn(changed, 'sessionRevision')})`;
  return { text: visible(text), fields: changed };
}

/** Tells what the runtime says beside its answer, such as that a part of a rule is deprecated. */
export function noteWarnings(answer: ApiAnswer, note: (line: string) => void): void {
  for (const warning of textsIn(answer, 'warnings')) note(`warning: ${warning}`);
}

/** `1 rule`, `2 rules`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
