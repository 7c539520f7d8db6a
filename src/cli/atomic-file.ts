import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CliFailure } from './failure.ts';

/**
 * A file that comes into being whole or not at all: written under another name in the same folder (mode 0600, since
 * captures may hold secrets), flushed, renamed. What was there before stays until then.
 */
export class AtomicFile implements AsyncDisposable {
  /** Absolute path of the file to be. */
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  #isDone = false;

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.path = path;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /**
   * Begins to write, so that a folder which is missing or full of other people's files is known before there is
   * anything to lose.
   *
   * @param source the flag that named the file
   * @throws {CliFailure}
   */
  static async create(source: string, file: string): Promise<AtomicFile> {
    const path = resolve(file);
    const found = await stat(path).catch(() => undefined);
    if (found?.isDirectory()) throw unwritable(source, path, 'is a directory; name a file in it');
    const suffix = randomBytes(9).toString('base64url');
    const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}-${suffix}.tmp`);
    try {
      return new AtomicFile(path, temporary, await open(temporary, 'wx', 0o600));
    } catch (cause) {
      const why = codeOf(cause) === 'ENOENT' ? `there is no folder ${dirname(path)}` : codeOf(cause);
      throw unwritable(source, path, `cannot be written (${why})`, cause);
    }
  }

  /**
   * Writes all of it and gives it its name.
   *
   * @param pieces bytes or text; what they throw comes through, and nothing is left behind then
   * @throws {CliFailure} when it cannot be written
   */
  async write(pieces: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): Promise<void> {
    for await (const piece of pieces) await this.#attempt(() => this.#writeAll(piece));
    await this.#attempt(async () => {
      await this.#handle.sync();
      await this.#handle.close();
      await rename(this.#temporary, this.path);
    });
    this.#isDone = true;
  }

  /** Takes away what was begun and not finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDone) return;
    await this.#handle.close().catch(() => {});
    await rm(this.#temporary, { force: true });
  }

  async #writeAll(piece: Uint8Array | string): Promise<void> {
    const bytes = Buffer.from(piece);
    for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten;
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (cause) {
      throw unwritable('the file', this.path, `cannot be written (${codeOf(cause)})`, cause);
    }
  }
}

function unwritable(source: string, path: string, what: string, cause?: unknown): CliFailure {
  return new CliFailure(`${source}: ${path} ${what}`, { code: 'unwritable_file', cause });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
