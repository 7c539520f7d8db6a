/** Traces that one generation holds. A trace id is 32 characters, so that a rule keeps about a megabyte at most. */
const GENERATION = 10_000;

/**
 * The traces that a rule has served. Bounded: it knows at least the last 10,000 and at most twice as many, the
 * least recently served forgotten first. A trace that is forgotten can be served again.
 *
 * Two generations of a set instead of one from which the oldest is taken at a time: both are exact about what
 * they hold, and a JavaScript set that is emptied from its front gets slow.
 */
export class ServedTraces {
  #young = new Set<string>();
  #old: ReadonlySet<string> = new Set();

  has(traceId: string): boolean {
    return this.#young.has(traceId) || this.#old.has(traceId);
  }

  add(traceId: string): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(traceId);
  }
}
