import type { AtomicFile } from '../atomic-file.ts';
import { type ApiAnswer, type ControlApi, objectIn, sessionPath, textsIn } from '../control-api.ts';
import { CliFailure } from '../failure.ts';

/** A session that was closed, and its capture. */
export interface ClosedSession {
  readonly stats: ApiAnswer;
  /** The case file: on this side where one was asked for, else where the runtime wrote it; null where there is none. */
  readonly capturePath: string | null;
  readonly warnings: readonly string[];
  /** Why the capture that was asked for on this side is not there. */
  readonly failure?: CliFailure;
}

/**
 * Closes a session, and brings its capture here. The close comes first: only then is every hop in it. Until the
 * file here is whole, the runtime has one on its side, which the failure names.
 *
 * @param file where to write the capture on this side; opened before, so that little can go wrong after the close
 * @throws {CliFailure} when it could not be closed
 */
export async function closeSession(
  api: ControlApi,
  sessionId: string,
  file: AtomicFile | undefined,
): Promise<ClosedSession> {
  const answer = await api.post(sessionPath(sessionId, 'close'), {});
  const remotePath = typeof answer.capturePath === 'string' ? answer.capturePath : null;
  const closed = {
    stats: objectIn(answer, 'stats') ?? {},
    capturePath: remotePath,
    warnings: textsIn(answer, 'warnings'),
  };
  if (file === undefined) return closed;
  if (remotePath === null) {
    const failure = new CliFailure(
      `the session recorded nothing, so ${file.path} was not written; capture sessions record, and rules with capture_only`,
      { code: 'nothing_recorded' },
    );
    return { ...closed, failure };
  }
  try {
    await file.write(await api.open(`/v1/captures/${encodeURIComponent(sessionId)}`));
    return { ...closed, capturePath: file.path };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const failure = new CliFailure(
      `the session is closed, but its capture did not come here (${why}); the runtime wrote it to ${remotePath} on its side`,
      { code: 'capture_not_fetched', cause },
    );
    return { ...closed, failure };
  }
}
