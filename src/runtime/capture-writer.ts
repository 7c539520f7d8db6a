import { basename, dirname, relative, sep } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { type TracesData, tracesFromExchange, type WritableCase, writeCaseFile } from '../cases/index.ts';
import { fileNameOfCase, openCaptureFolder, openFolderOf } from './capture-path.ts';
import { RuntimeError } from './errors.ts';
import type { RecordedHop } from './recording.ts';
import type { Session } from './session.ts';

export interface CaptureTarget {
  /** The folder of case files. */
  readonly captureDir: string;
  /** The exact file that the operator wants, if one. */
  readonly captureFile: string | undefined;
}

/**
 * The case of what a session recorded (CONTRACT section 6), redacted. Each hop becomes a span when the writer
 * comes to it: all of them at once could need more memory than the recording itself.
 */
export function captureCase(
  session: Session,
  hops: readonly RecordedHop[] = session.recording.snapshot(),
): WritableCase {
  return {
    version: '1.0.0',
    caseId: session.caseId ?? session.id,
    mode: session.mode,
    createdAt: session.createdAt.toISOString(),
    traces: tracesOf(session, hops),
  };
}

function* tracesOf({ redactor }: Session, hops: readonly RecordedHop[]): Generator<TracesData> {
  for (const hop of hops) yield 'traces' in hop ? hop.traces : tracesFromExchange(hop, redactor);
}

/**
 * Writes the capture of a session: to `out` in the capture folder, else to the operator's file, else to a
 * file in the capture folder that is named after the case.
 *
 * @param out as `parseOut` read it
 * @returns the absolute path that was written
 * @throws {RuntimeError} `capture_write_failed`, with nothing lost; `invalid_request` where `out` leads out
 * of the folder
 */
export async function writeCapture(
  session: Session,
  hops: readonly RecordedHop[],
  target: CaptureTarget,
  out: readonly string[] | undefined,
): Promise<string> {
  try {
    const path = await openTarget(session, target, out);
    await writeCaseFile(path, captureCase(session, hops));
    return path;
  } catch (error) {
    if (error instanceof RuntimeError) throw error;
    throw writeFailed(error, target, out);
  }
}

function openTarget(
  session: Session,
  { captureDir, captureFile }: CaptureTarget,
  out: readonly string[] | undefined,
): Promise<string> {
  if (out !== undefined) return openCaptureFolder(captureDir, out);
  if (captureFile !== undefined) return openFolderOf(captureFile);
  const name = fileNameOfCase(session.caseId ?? session.id, session.id);
  return openCaptureFolder(captureDir, [name]);
}

function writeFailed(
  error: unknown,
  { captureDir, captureFile }: CaptureTarget,
  out: readonly string[] | undefined,
): RuntimeError {
  const folder = out === undefined && captureFile !== undefined ? dirname(captureFile) : captureDir;
  const file = out === undefined ? 'the case file' : JSON.stringify(out.join('/'));
  return new RuntimeError(
    'capture_write_failed',
    `could not write ${file} in the folder ${JSON.stringify(shortName(folder))}: ${reasonOf(error)}; ` +
      'the session stays open with its recording: close it again, or with another ?out=',
    { cause: error },
  );
}

/** A folder as the operator may have written it; never more of the machine's paths than its own name. */
function shortName(folder: string): string {
  const fromHere = relative(process.cwd(), folder);
  return fromHere === '' || fromHere.split(sep)[0] === '..' ? basename(folder) : fromHere;
}

/** `ENOSPC` to `no space left on device`. */
const systemMessages = new Map(getSystemErrorMap().values());

/** `no space left on device (ENOSPC)`: the system's words, without the paths of its message. */
function reasonOf(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = code && systemMessages.get(code);
    if (message) return `${message} (${code})`;
  }
  return error instanceof RangeError
    ? 'the recording is too large for one file'
    : 'unexpected error, see the log';
}
