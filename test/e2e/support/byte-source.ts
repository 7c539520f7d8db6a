import type { Readable } from 'node:stream';

/** How the other side ended the connection: a FIN, or a reset. */
export type Ending = 'end' | 'reset';

/** The connection ended before the bytes that were waited for had come. */
export class EndedEarly extends Error {
  override readonly name = 'EndedEarly';
  readonly ending: Ending;
  /** What had come of them. */
  readonly partial: Buffer;

  constructor(ending: Ending, partial: Buffer) {
    const tail = partial.subarray(-200).toString('latin1');
    super(
      `the connection ended (${ending}) after ${partial.length} bytes of what was waited for: ${JSON.stringify(tail)}`,
    );
    this.ending = ending;
    this.partial = partial;
  }
}

/** Longest wait for the next byte: so that a hang becomes a failure that says where. Not a measurement. */
const PATIENCE_MS = 15_000;

/**
 * Reads a socket, or any stream of bytes, by the byte. It pulls: while nobody asks, nothing is read, the kernel's buffers fill up and
 * the sender feels it. That makes a slow reader of any test that does not read.
 */
export class ByteSource {
  readonly #stream: Readable;
  #buffered: Buffer = Buffer.alloc(0);
  #ending: Ending | undefined;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    this.#stream = stream;
    stream.on('readable', () => this.#wake?.());
    stream.once('end', () => this.#finish('end'));
    stream.once('error', () => this.#finish('reset'));
    stream.once('close', (hadError?: boolean) => this.#finish(hadError ? 'reset' : 'end'));
    if (stream.destroyed) this.#finish(stream.errored === null ? 'end' : 'reset');
  }

  /** All bytes up to the delimiter and the delimiter itself. @throws {EndedEarly} */
  async until(delimiter: string): Promise<Buffer> {
    let searched = 0;
    for (;;) {
      const at = this.#buffered.indexOf(delimiter, searched, 'latin1');
      if (at >= 0) return this.#take(at + delimiter.length);
      searched = Math.max(0, this.#buffered.length - delimiter.length);
      await this.#more();
    }
  }

  /** So many bytes. @throws {EndedEarly} */
  async exactly(length: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    try {
      await this.stream(length, (chunk) => chunks.push(chunk));
    } catch (error) {
      throw error instanceof EndedEarly ? new EndedEarly(error.ending, Buffer.concat(chunks)) : error;
    }
    return Buffer.concat(chunks);
  }

  /** Hands so many bytes to `sink` as they come, without keeping them. @throws {EndedEarly} */
  async stream(length: number, sink: (chunk: Buffer) => void): Promise<void> {
    let missing = length;
    while (missing > 0) {
      if (this.#buffered.length === 0) await this.#more();
      const chunk = this.#take(Math.min(missing, this.#buffered.length));
      missing -= chunk.length;
      sink(chunk);
    }
  }

  /** Everything that still comes, and how the connection ends after it. */
  async rest(): Promise<{ bytes: Buffer; ending: Ending }> {
    for (;;) {
      try {
        await this.#more();
      } catch (error) {
        if (!(error instanceof EndedEarly)) throw error;
        return { bytes: this.#take(this.#buffered.length), ending: error.ending };
      }
    }
  }

  /** Waits until the other side ends the connection, throwing away what still comes. */
  async ending(): Promise<Ending> {
    for (;;) {
      this.#buffered = Buffer.alloc(0);
      try {
        await this.#more();
      } catch (error) {
        if (!(error instanceof EndedEarly)) throw error;
        return error.ending;
      }
    }
  }

  /** Waits until there is a byte to read, for as long as that takes. @throws {EndedEarly} */
  async idle(): Promise<void> {
    if (this.#buffered.length === 0) await this.#more(Number.POSITIVE_INFINITY);
  }

  async #more(patience = PATIENCE_MS): Promise<void> {
    for (;;) {
      const chunk: Buffer | null = this.#stream.read();
      if (chunk !== null) {
        this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
        return;
      }
      if (this.#ending !== undefined) throw new EndedEarly(this.#ending, this.#buffered);
      await this.#change(patience);
    }
  }

  #take(length: number): Buffer {
    const taken = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(length);
    return taken;
  }

  #change(patience: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const seen = this.#buffered.subarray(-200).toString('latin1');
    const late = () =>
      reject(new Error(`no byte for ${patience} ms; unread so far: ${JSON.stringify(seen)}`));
    const timer = Number.isFinite(patience) ? setTimeout(late, patience) : undefined;
    this.#wake = resolve;
    return promise.finally(() => {
      clearTimeout(timer);
      this.#wake = undefined;
    });
  }

  #finish(ending: Ending): void {
    this.#ending ??= ending;
    this.#wake?.();
  }
}
