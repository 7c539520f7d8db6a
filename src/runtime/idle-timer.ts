/** Longest delay that a timer takes (a signed 32-bit number of milliseconds, 24.8 days). */
const MAX_DELAY = 2 ** 31 - 1;

/**
 * Calls back when the first of many deadlines has come: one timer for all sessions, not one for each nor
 * one that is moved on each hop. The callback says when the next deadline is. Does not keep the process alive.
 */
export class IdleTimer {
  readonly #onDue: () => number;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;

  /** @param onDue returns the next deadline (milliseconds since the epoch), `Infinity` for none */
  constructor(onDue: () => number) {
    this.#onDue = onDue;
  }

  /** Makes sure that the callback comes at `time` or before. */
  noLaterThan(time: number): void {
    if (time >= this.#dueAt) return;
    this.#dueAt = time;
    clearTimeout(this.#timer);
    const delay = Math.min(Math.max(time - Date.now(), 1), MAX_DELAY);
    this.#timer = setTimeout(() => this.#run(), delay);
    this.#timer.unref();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#dueAt = Number.POSITIVE_INFINITY;
  }

  #run(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.noLaterThan(this.#onDue());
  }
}
