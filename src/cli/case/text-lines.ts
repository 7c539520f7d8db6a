import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { CliFailure } from '../failure.ts';

/** A text that is read line by line. */
export interface OpenText {
  /** Its file, or `stdin`: what messages begin with. */
  readonly name: string;
  readonly lines: AsyncIterable<string>;
}

/**
 * Opens a text; what goes wrong while it is read is a {@link CliFailure} as well.
 *
 * @param path a file; `-` is stdin
 * @throws {CliFailure} when it cannot be read
 */
export async function openText(path: string): Promise<OpenText> {
  if (path === '-') return { name: 'stdin', lines: linesOf('stdin', process.stdin) };
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (found.isDirectory()) {
    throw new CliFailure(`${path} is a directory; expected a file`, { code: 'unreadable_document' });
  }
  return { name: path, lines: linesOf(path, createReadStream(path)) };
}

async function* linesOf(name: string, stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }))
      yield line;
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

function unreadable(name: string, cause: unknown): CliFailure {
  const { code } = cause as NodeJS.ErrnoException;
  const message =
    code === 'ENOENT' ? `there is no file ${name}` : `cannot read ${name} (${code ?? String(cause)})`;
  return new CliFailure(message, { code: 'unreadable_document', cause });
}
