import type { RecordedBody } from '../cases/index.ts';

/** Shared by all that have no body: a recording must not cost an object for what is not there. */
const EMPTY = Buffer.alloc(0);

export function emptyBody(): RecordedBody {
  return { bytes: EMPTY, size: 0, truncated: false };
}

/**
 * Keeps a bounded copy of a body while it streams by. It never holds anything up: what does not fit is
 * counted and left out.
 */
export class BodyTap {
  readonly #limit: number;
  #chunks: Uint8Array[] = [];
  #kept = 0;
  #size = 0;

  /** @param limit bytes to keep */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Uint8Array): void {
    this.#size += chunk.length;
    const room = this.#limit - this.#kept;
    if (room <= 0) return;
    const part = chunk.length <= room ? chunk : chunk.subarray(0, room);
    this.#chunks.push(part);
    this.#kept += part.length;
  }

  /** What was kept, copied out of the sockets' read buffers, so that those can be freed. */
  take(): RecordedBody {
    const bytes = this.#kept === 0 ? EMPTY : Buffer.concat(this.#chunks, this.#kept);
    this.#chunks = [];
    return { bytes, size: this.#size, truncated: this.#size > this.#kept };
  }
}
