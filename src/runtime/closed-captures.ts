/** How many closed sessions are remembered. */
const MAX_REMEMBERED = 100;

/** Where the captures of the sessions closed last were written, so that they can still be asked for. */
export class ClosedCaptures {
  readonly #paths = new Map<string, string | undefined>();

  /** @param path absolute path of the case file; undefined where the session had nothing to write */
  remember(sessionId: string, path: string | undefined): void {
    // The file belongs to the session that wrote it last.
    for (const [id, other] of this.#paths) if (path !== undefined && other === path) this.#paths.delete(id);
    this.#paths.set(sessionId, path);
    for (const [oldest] of this.#paths) {
      if (this.#paths.size <= MAX_REMEMBERED) break;
      this.#paths.delete(oldest);
    }
  }

  has(sessionId: string): boolean {
    return this.#paths.has(sessionId);
  }

  pathOf(sessionId: string): string | undefined {
    return this.#paths.get(sessionId);
  }
}
