import { isUtf8 } from 'node:buffer';
import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CaseDocument, TracesData } from './documents.generated.ts';
import { JsonSyntaxError, parseJson } from './json-text.ts';
import { SoftprobeError } from './softprobe-error.ts';
import { InvalidDocumentError, type ValidationIssue, validateDocument } from './validation.ts';

/** What stood in the way of reading or writing a case file. */
export type CaseFileProblem =
  | 'missing'
  | 'directory'
  | 'empty'
  | 'not-text'
  | 'not-json'
  | 'invalid'
  | 'too-large'
  | 'unreadable'
  | 'unwritable';

/** A case file that cannot be read or written. `cause` is the error underneath. */
export class CaseFileError extends SoftprobeError {
  override readonly name = 'CaseFileError';
  readonly path: string;
  readonly problem: CaseFileProblem;
  /** The system's code, such as `ENOENT` or `ENOSPC`, where the file system said no. */
  readonly code: string | undefined;
  /** What is wrong with the document, where `problem` is `invalid`. */
  readonly issues: readonly ValidationIssue[];

  constructor(path: string, problem: CaseFileProblem, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.path = path;
    this.problem = problem;
    this.code = systemCode(cause);
    this.issues = cause instanceof InvalidDocumentError ? cause.issues : [];
  }
}

/** The keys that have a place in the file (CONTRACT section 6); all others follow in the order they came. */
const KEY_ORDER = ['version', 'caseId', 'suite', 'mode', 'createdAt', 'traces', 'rules', 'fixtures'];

/**
 * Reads a case from JSON text.
 *
 * @throws {JsonSyntaxError} with line and column
 * @throws {InvalidDocumentError} with a JSON Pointer for each mistake
 */
export function parseCase(text: string): CaseDocument {
  // Editors on Windows write a byte order mark, which JSON does not allow.
  return validateCase(parseJson(text.startsWith('\uFEFF') ? text.slice(1) : text));
}

function validateCase(value: unknown): CaseDocument {
  try {
    return validateDocument('case', value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The validator recurses with the document; only a hostile one is nested so deeply.
    throw new InvalidDocumentError('case', [{ pointer: '', message: 'the document is nested too deeply' }]);
  }
}

/**
 * Reads a case file.
 *
 * @throws {CaseFileError}
 */
export async function readCaseFile(path: string): Promise<CaseDocument> {
  const bytes = await readBounded(path);
  if (bytes.every(isJsonSpace)) {
    throw new CaseFileError(path, 'empty', `${path} is empty; expected a case document`);
  }
  if (!isUtf8(bytes)) {
    throw new CaseFileError(path, 'not-text', `${path} is not UTF-8 text; expected a case document in JSON`);
  }
  try {
    return parseCase(bytes.toString('utf8'));
  } catch (cause) {
    if (cause instanceof JsonSyntaxError) {
      throw new CaseFileError(path, 'not-json', `${path} is ${cause.message}`, cause);
    }
    if (cause instanceof InvalidDocumentError) {
      throw new CaseFileError(path, 'invalid', `${path} is ${cause.message}`, cause);
    }
    if (systemCode(cause) === 'ERR_STRING_TOO_LONG') {
      throw new CaseFileError(
        path,
        'too-large',
        `${path} has ${bytes.length} bytes, too many to read`,
        cause,
      );
    }
    throw cause;
  }
}

/** V8 holds about as many characters in one string. */
const MAX_BYTES = 512 * 1024 * 1024;

/** A file may be a pipe, or a device that never ends: what is read of it has a bound, whatever its size says. */
async function readBounded(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const stream = createReadStream(path, { highWaterMark: 1024 * 1024 });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_BYTES) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (size > MAX_BYTES) {
    throw new CaseFileError(path, 'too-large', `${path} has more than ${MAX_BYTES} bytes, too many to read`);
  }
  return Buffer.concat(chunks);
}

function isJsonSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function unreadable(path: string, cause: unknown): CaseFileError {
  switch (systemCode(cause)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return new CaseFileError(path, 'missing', `there is no case file ${path}`, cause);
    case 'EISDIR':
      return new CaseFileError(path, 'directory', `${path} is a directory; expected a case file`, cause);
    case 'ERR_FS_FILE_TOO_LARGE':
      return new CaseFileError(path, 'too-large', `${path} is too large to read`, cause);
    default:
      return new CaseFileError(path, 'unreadable', `cannot read ${path}: ${messageOf(cause)}`, cause);
  }
}

/** The text of a case file: two-space indented, keys in the order of CONTRACT section 6, newline at the end. */
export function serializeCase(document: CaseDocument): string {
  return Array.from(caseText(document)).join('');
}

/**
 * A case that is written: its traces may be made while they are, so that a large capture is never in memory
 * as a whole in the form of spans.
 */
export interface WritableCase {
  version: string;
  caseId: string;
  traces: Iterable<TracesData>;
  [key: string]: unknown;
}

/** The same text in pieces, one for each trace, so that a large capture is never one string. */
export function* caseText(document: WritableCase): Generator<string> {
  const entries = Object.entries(document).filter(([, value]) => value !== undefined);
  const placeOf = (key: string) => (KEY_ORDER.includes(key) ? KEY_ORDER.indexOf(key) : KEY_ORDER.length);
  // Sorting is stable: keys that have no place keep their order.
  entries.sort(([a], [b]) => placeOf(a) - placeOf(b));
  let separator = '{\n  ';
  for (const [key, value] of entries) {
    yield `${separator}${JSON.stringify(key)}: `;
    if (key === 'traces') yield* arrayText(document.traces);
    else yield indented(value, '  ');
    separator = ',\n  ';
  }
  yield '\n}\n';
}

function* arrayText(values: Iterable<unknown>): Generator<string> {
  let isEmpty = true;
  for (const value of values) {
    yield (isEmpty ? '[\n    ' : ',\n    ') + indented(value, '    ');
    isEmpty = false;
  }
  yield isEmpty ? '[]' : '\n  ]';
}

/** JSON with all lines but the first moved right. A newline inside a string is escaped, so none is touched. */
function indented(value: unknown, margin: string): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${margin}`);
}

/**
 * Writes a case file so that nobody ever sees half of it: to a temporary file in the same folder (mode 0600, a
 * capture may hold secrets), flushed to the disk, then renamed. When anything fails, a file that was there
 * before is untouched and the temporary one is gone.
 *
 * @throws {CaseFileError} `code` tells why (`ENOSPC`, `EROFS`, `EACCES`, `ENOENT` for a missing folder, …)
 */
export async function writeCaseFile(path: string, document: WritableCase): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.softprobe-${randomBytes(9).toString('base64url')}.tmp`);
  try {
    await writeFlushed(temporary, caseText(document));
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new CaseFileError(path, 'unwritable', `cannot write ${path}: ${messageOf(cause)}`, cause);
  }
  await flushFolder(folder);
}

/** Pieces are gathered to this many characters before each write. */
const WRITE_SIZE = 256 * 1024;

async function writeFlushed(path: string, pieces: Iterable<string>): Promise<void> {
  // `wx`: the name is random, so a file that is there already is somebody else's.
  const file = await open(path, 'wx', 0o600);
  try {
    let pending = '';
    for (const piece of pieces) {
      pending += piece;
      if (pending.length < WRITE_SIZE) continue;
      await writeAll(file, pending);
      pending = '';
    }
    await writeAll(file, pending);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeAll(file: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at);
    at += bytesWritten;
  }
}

/** Makes the rename itself durable. Where a folder cannot be opened or flushed (Windows), it has to do without. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  try {
    await handle?.sync().catch(() => undefined);
  } finally {
    await handle?.close();
  }
}

function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The message without the path that Node appends: the caller names the path already. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, \w+ '.*$/s, '');
}
