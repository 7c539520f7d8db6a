import type { Invocation } from './command.ts';
import { isSet } from './flags.ts';
import { visible } from './table.ts';

/** A line on the terminal that says how far long work is, and is gone at its end. */
export interface ProgressLine extends Disposable {
  show(text: string): void;
}

/** Least time between two changes of the line, in milliseconds: nobody reads faster. */
const MIN_INTERVAL = 100;

/** Nothing where stderr is no terminal, with `--quiet` or with `--json`. */
export function progressLine({ args, json }: Invocation): ProgressLine {
  if (!process.stderr.isTTY || json || isSet(args, 'quiet')) {
    return { show: () => {}, [Symbol.dispose]: () => {} };
  }
  let shownAt = Number.NEGATIVE_INFINITY;
  const write = (text: string) => process.stderr.write(`\r\x1b[K${text}`);
  return {
    show(text) {
      const now = performance.now();
      if (now - shownAt < MIN_INTERVAL) return;
      shownAt = now;
      write(visible(text));
    },
    [Symbol.dispose]: () => {
      if (shownAt > 0) write('');
    },
  };
}
