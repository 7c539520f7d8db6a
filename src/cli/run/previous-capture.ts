import { randomBytes } from 'node:crypto';
import { link, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * The capture of an earlier run, while a new one is made in its place. It comes back where the new one was broken off
 * before it had recorded anything.
 */
export class PreviousCapture implements AsyncDisposable {
  readonly #file: string;
  /** A second name of it, beside it; undefined where there was none, or where files cannot have two names. */
  readonly #kept: string | undefined;

  private constructor(file: string, kept: string | undefined) {
    this.#file = file;
    this.#kept = kept;
  }

  static async keep(file: string): Promise<PreviousCapture> {
    const kept = join(dirname(file), `.softprobe-${randomBytes(9).toString('base64url')}.previous`);
    const isKept = await link(file, kept).then(
      () => true,
      () => false,
    );
    return new PreviousCapture(file, isKept ? kept : undefined);
  }

  /** @returns false where there was none */
  async restore(): Promise<boolean> {
    if (this.#kept === undefined) return false;
    await rename(this.#kept, this.#file);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#kept !== undefined) await rm(this.#kept, { force: true });
  }
}
