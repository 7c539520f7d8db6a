import { EventEmitter, on } from 'node:events';
import { type Logger, pino } from 'pino';

/** A logger whose lines a test can wait for. */
export class LogLines {
  readonly logger: Logger;
  /** All lines so far, oldest first. */
  readonly lines: Record<string, unknown>[] = [];
  readonly #emitter = new EventEmitter();

  constructor() {
    const write = (text: string) => {
      const line = JSON.parse(text) as Record<string, unknown>;
      this.lines.push(line);
      this.#emitter.emit('line', line);
    };
    this.logger = pino({ level: 'trace', base: null }, { write });
  }

  /** The first line, past or to come, whose message fits. */
  async next(message: RegExp): Promise<Record<string, unknown>> {
    const fits = (line: Record<string, unknown>) => message.test(String(line.msg));
    const past = this.lines.find(fits);
    if (past !== undefined) return past;
    for await (const [line] of on(this.#emitter, 'line')) if (fits(line)) return line;
    throw new Error('unreachable: the iteration above has no end');
  }
}
