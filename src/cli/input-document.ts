import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { JsonSyntaxError, parseJson } from '../cases/json-text.ts';
import { ExitCode } from './exit-code.ts';
import { CliFailure, type FailureDetail } from './failure.ts';

/** A document that the user wrote, in JSON or YAML. */
export interface InputDocument {
  /** Its file, or `stdin`: what messages begin with. */
  readonly name: string;
  readonly value: unknown;
  /** The same as JSON text, to be sent on. */
  readonly json: string;
  /** As it was written. */
  readonly text: string;
}

/** Largest file that is read, in bytes: what a string can hold, with some air. */
const MAX_SIZE = 500 * 1024 * 1024;
/** Largest text in which lines are looked up, in characters: a tree of it all is built for that. */
const MAX_LOCATED = 4 * 1024 * 1024;
/** How often YAML's aliases may be expanded, against documents that grow without end. */
const MAX_ALIASES = 100;

/**
 * Reads a document in JSON or YAML 1.2 (core schema: no tag makes anything but JSON's values).
 *
 * @param path a file; `-` is stdin
 * @throws {CliFailure} with exit code 1 when it cannot be read, 5 when it is no document; the message begins with
 * its name
 */
export async function readInput(path: string): Promise<InputDocument> {
  const name = path === '-' ? 'stdin' : path;
  const bytes = await (path === '-'
    ? gather(process.stdin as AsyncIterable<Buffer>, 'stdin')
    : readWhole(path));
  if (!isUtf8(bytes)) throw invalid(name, `${name} is not UTF-8 text; expected JSON or YAML`);
  const text = withoutMark(bytes.toString('utf8'));
  if (text.trim() === '') throw invalid(name, `${name} is empty; expected a document in JSON or YAML`);
  return { name, text, ...(await parse(name, text)) };
}

/**
 * The same failure for a reader of the file: with the name of the document, and the line of each mistake.
 *
 * @param failure what the runtime says about the document
 */
export async function inDocument({ name, text }: InputDocument, failure: CliFailure): Promise<CliFailure> {
  const details = await locate(text, failure.details);
  const listed = details.map(
    ({ pointer, line, message }) =>
      `  ${line === undefined ? '' : `line ${line}: `}${pointer || '(document)'}: ${message}`,
  );
  const message = details.length > 0 ? `${name} is not valid:` : `${name}: ${failure.message}`;
  return new CliFailure([message, ...listed].join('\n'), {
    code: failure.code,
    exitCode: failure.exitCode,
    details,
    cause: failure,
  });
}

/**
 * Reads a file, or a pipe, up to a bound.
 *
 * @throws {CliFailure} with exit code 1
 */
export async function readWhole(path: string): Promise<Buffer> {
  try {
    await using file = await open(path);
    const found = await file.stat();
    if (found.isDirectory()) throw unreadable(`${path} is a directory; expected a file`);
    if (found.size > MAX_SIZE) {
      throw unreadable(`${path} has ${found.size} bytes; at most ${MAX_SIZE} can be read`);
    }
    // A pipe or a device has no size, and the latter perhaps no end.
    return await gather(file.createReadStream({ autoClose: false }), path);
  } catch (cause) {
    if (cause instanceof CliFailure) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw unreadable(`there is no file ${path}`, cause);
    throw unreadable(`cannot read ${path} (${code ?? String(cause)})`, cause);
  }
}

async function gather(stream: AsyncIterable<Buffer>, name: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > MAX_SIZE)
      throw unreadable(`${name} has more than ${MAX_SIZE} bytes, the most that can be read`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** JSON is tried first, although it is YAML too: it is much faster, and its messages are about JSON. */
async function parse(name: string, text: string): Promise<{ value: unknown; json: string }> {
  try {
    return { value: parseJson(text), json: text };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    if (/\.json$/i.test(name)) throw invalid(name, `${name} is ${error.message}`, error);
  }
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { schema: 'core', prettyErrors: true });
  // A tag that is not of the core schema is a warning to the library, and its value not what was meant.
  const [mistake] = [...document.errors, ...document.warnings];
  if (mistake !== undefined) {
    const at = mistake.linePos?.[0];
    const [what = ''] = mistake.message.split(/ at line \d+|\n/);
    const where = at === undefined ? '' : ` at line ${at.line}, column ${at.col}`;
    throw invalid(name, `${name} is not valid YAML${where}: ${what}`, mistake);
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    const json = JSON.stringify(value);
    // Undefined for what JSON has not, such as a lone symbol: nothing that a document consists of.
    if (json === undefined) throw new TypeError('nothing that JSON has');
    return { value, json };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalid(name, `${name} is YAML that makes no document: ${why}`, cause);
  }
}

/** Adds the line of each pointer's value. JSON is YAML, so one way serves both. */
async function locate(text: string, details: readonly FailureDetail[]): Promise<FailureDetail[]> {
  if (details.length === 0 || text.length > MAX_LOCATED) return [...details];
  const { isNode, LineCounter, parseDocument } = await import('yaml');
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { schema: 'core', lineCounter });
  return details.map((detail) => {
    const tokens = detail.pointer.split('/').slice(1);
    const path = tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
    const node = path.length === 0 ? document.contents : document.getIn(path, true);
    const range = isNode(node) ? node.range : undefined;
    return range ? { ...detail, line: lineCounter.linePos(range[0]).line } : detail;
  });
}

/** Editors on Windows write a byte order mark, which JSON does not allow. */
function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

function invalid(name: string, message: string, cause?: unknown): CliFailure {
  return new CliFailure(message, {
    exitCode: ExitCode.invalidDocument,
    code: 'invalid_document',
    details: [{ pointer: '', message: message.replace(`${name} is `, '') }],
    cause,
  });
}

function unreadable(message: string, cause?: unknown): CliFailure {
  return new CliFailure(message, { code: 'unreadable_document', cause });
}
