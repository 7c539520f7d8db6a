import { parseCase } from '../../cases/case-file.ts';
import { type CaseDocument, InvalidDocumentError, JsonSyntaxError } from '../../cases/index.ts';
import type { Invocation } from '../command.ts';
import { ControlApi } from '../control-api.ts';
import { CliFailure } from '../failure.ts';

/** Longest capture that is read into memory, in bytes: what a string can hold, with some air. */
const MAX_CAPTURE = 500 * 1024 * 1024;

/**
 * What a session has recorded so far, or had when it was closed.
 *
 * @throws {CliFailure} where the runtime cannot be reached, does not know the session, or sends no case
 */
export async function fetchCapture(invocation: Invocation, sessionId: string): Promise<CaseDocument> {
  const response = await ControlApi.of(invocation).open(`/v1/captures/${encodeURIComponent(sessionId)}`);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_CAPTURE) {
        const message = `the capture has more than ${MAX_CAPTURE} bytes; close the session and look at its case file`;
        throw new CliFailure(message, { code: 'too_large' });
      }
      chunks.push(chunk);
    }
    return parseCase(Buffer.concat(chunks, size).toString('utf8'));
  } catch (cause) {
    if (cause instanceof CliFailure) throw cause;
    const isDocument = cause instanceof InvalidDocumentError || cause instanceof JsonSyntaxError;
    const why = cause instanceof Error ? cause.message : String(cause);
    const what = isDocument ? 'the runtime sent no case' : 'the capture broke off';
    throw new CliFailure(`${what}: ${why}`, { code: 'unexpected_answer', cause });
  }
}
