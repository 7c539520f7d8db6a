import type { RecordedBody } from '../cases/index.ts';

/**
 * Keeps a bounded copy of a body while it streams by, and is that copy: what has come so far can be read at any
 * time. It never holds anything up; what does not fit is counted and left out.
 */
export class BodyTap implements RecordedBody {
  readonly #limit: number;
  /** A small body that came in one piece, one char an octet: a third of the memory of a Buffer. */
  #text = '';
  #chunks: Uint8Array[] | undefined;
  #kept = 0;
  #size = 0;

  /** @param limit bytes to keep */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get bytes(): Uint8Array {
    if (this.#chunks === undefined) return Buffer.from(this.#text, 'latin1');
    return Buffer.concat(this.#chunks, this.#kept);
  }

  get size(): number {
    return this.#size;
  }

  get kept(): number {
    return this.#kept;
  }

  get truncated(): boolean {
    return this.#size > this.#kept;
  }

  add(chunk: Uint8Array): void {
    this.#size += chunk.length;
    const room = this.#limit - this.#kept;
    if (room <= 0) return;
    const part = chunk.length <= room ? chunk : chunk.subarray(0, room);
    this.#chunks ??= [];
    this.#chunks.push(part);
    this.#kept += part.length;
  }

  /** The whole body at once, as latin-1 text. */
  setText(text: string): void {
    this.#size = text.length;
    this.#text = text.length <= this.#limit ? text : text.slice(0, this.#limit);
    this.#kept = this.#text.length;
  }
}

/** The body of a message that has none. One for all: a recording need not make what is not there. */
export const NO_BODY: RecordedBody = Object.freeze({
  bytes: Buffer.alloc(0),
  size: 0,
  truncated: false,
});
