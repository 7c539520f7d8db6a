import { stat } from 'node:fs/promises';
import type { Invocation } from './command.ts';
import { isSet } from './flags.ts';
import { visible } from './table.ts';

/** A line on the terminal that says how far long work is, and is gone at its end. */
export interface ProgressLine extends Disposable {
  /** How far it is. Left out where the line has changed just before. */
  show(text: string): void;
  /** What begins now: always shown, since nothing else can be while it lasts. */
  begin(text: string): void;
}

/** As much of a terminal as a line needs. */
interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Least time between two changes of the line, in milliseconds: nobody reads faster. */
const MIN_INTERVAL = 100;
/** Where the terminal does not say how wide it is. */
const COLUMNS = 80;

/** Nothing where stderr is no terminal, with `--quiet` or with `--json`. */
export function progressLine(
  { args, json }: Pick<Invocation, 'args' | 'json'>,
  terminal: Terminal = process.stderr,
): ProgressLine {
  if (!terminal.isTTY || json || isSet(args, 'quiet')) {
    return { show: () => {}, begin: () => {}, [Symbol.dispose]: () => {} };
  }
  let shownAt = Number.NEGATIVE_INFINITY;
  const write = (text: string) => terminal.write(`\r\x1b[K${text}`);
  const begin = (text: string) => {
    shownAt = performance.now();
    write(fitted(visible(text), (terminal.columns || COLUMNS) - 1));
  };
  return {
    begin,
    show(text) {
      if (performance.now() - shownAt >= MIN_INTERVAL) begin(text);
    },
    [Symbol.dispose]: () => {
      if (shownAt > 0) write('');
      shownAt = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Work with a line that is gone before its outcome is told. */
export async function withProgress<Outcome>(
  invocation: Pick<Invocation, 'args' | 'json'>,
  work: (progress: ProgressLine) => Promise<Outcome>,
): Promise<Outcome> {
  using progress = progressLine(invocation);
  return await work(progress);
}

/**
 * Says that a file is read, and how large it is. That it cannot be read is for its reader to say.
 *
 * @returns its size in bytes; undefined where it has none, as a pipe
 */
export async function beginReading(progress: ProgressLine, path: string): Promise<number | undefined> {
  const found = path === '-' ? undefined : await stat(path).catch(() => undefined);
  const size = found?.isFile() ? found.size : undefined;
  const shown = size === undefined ? '' : ` (${megabytes(size)})`;
  progress.begin(`reading ${path === '-' ? 'stdin' : path}${shown}`);
  return size;
}

/** `0.3 MB`, `210 MB`. */
export function megabytes(bytes: number): string {
  const count = bytes / 1_000_000;
  return `${count < 10 ? count.toFixed(1) : Math.round(count)} MB`;
}

/** A line that is wrapped could not be taken back. The end of a path says more than its beginning. */
function fitted(text: string, width: number): string {
  return text.length <= width ? text : `…${text.slice(text.length - width + 1)}`;
}
