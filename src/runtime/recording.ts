import type { Exchange, RecordedBody, TracesData } from '../cases/index.ts';

/** A span that another proxy sent: kept as it came. */
export interface ReceivedSpan {
  /** Milliseconds since the Unix epoch. */
  readonly startTime: number;
  /** One resource, one scope, one span. Already redacted. */
  readonly traces: TracesData;
}

/** One hop of a recording. */
export type RecordedHop = Exchange | ReceivedSpan;

export interface RecordingLimits {
  /** Bytes kept of each body. */
  readonly maxBody: number;
  /** Bytes kept of all of the recording; beyond it bodies are left out. */
  readonly maxBytes: number;
}

/** What an exchange without bodies holds on to, in bytes: measured roughly, meant as a bound. */
const HEAD_BYTES = 512;
const HEADER_ITEM_BYTES = 48;

/**
 * What one session has recorded so far. Takes exchanges when they start and keeps that order; spans are
 * built when a case is written or asked for, not while traffic flows.
 *
 * Bounded: beyond `maxBytes` bodies are no longer kept (they count as truncated), and a quarter beyond that
 * whole hops are dropped and counted, since a list of a million heads is a leak as well.
 */
export class Recording {
  readonly #limits: RecordingLimits;
  readonly #hops: RecordedHop[] = [];
  readonly #inFlight = new Set<Exchange>();
  readonly #waiting = new Set<() => void>();
  #bytes = 0;
  #hasReceivedSpans = false;
  /** Hops that found no room. */
  dropped = 0;

  constructor(limits: RecordingLimits) {
    this.#limits = limits;
  }

  /** Hops recorded, those in flight among them. */
  get size(): number {
    return this.#hops.length;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /**
   * Takes an exchange in when its request starts.
   *
   * @returns how many bytes of each body may be kept
   */
  begin(exchange: Exchange): number {
    if (!this.#takes(HEAD_BYTES + HEADER_ITEM_BYTES * exchange.hop.headers.length)) return 0;
    this.#hops.push(exchange);
    this.#inFlight.add(exchange);
    return this.#bytes < this.#limits.maxBytes ? this.#limits.maxBody : 0;
  }

  /**
   * The exchange ended.
   *
   * @returns bytes of bodies that were kept; undefined where the exchange is not in flight here, because it
   * was dropped or has ended before
   */
  finish(exchange: Exchange): number | undefined {
    if (!this.#inFlight.delete(exchange)) return undefined;
    const { hop, requestBody, response } = exchange;
    // A rule may have read far more of the body than is kept of it, and the recording holds on to the hop.
    if (hop.body?.length) hop.body = null;
    const bodies = this.#kept(requestBody) + (response === undefined ? 0 : this.#kept(response.body));
    this.#bytes += bodies + HEADER_ITEM_BYTES * (response?.headers.length ?? 0);
    if (this.#inFlight.size === 0) this.#wakeWaiting();
    return bodies;
  }

  /**
   * Takes in a span that came by the OTLP API.
   *
   * @param bytes about what it takes in memory
   * @returns false where there was no room
   */
  receive(span: ReceivedSpan, bytes: number): boolean {
    if (!this.#takes(bytes)) return false;
    this.#hops.push(span);
    this.#hasReceivedSpans = true;
    return true;
  }

  /** Waits until no exchange is in flight, but not longer than `timeoutMs`. */
  async whenIdle(timeoutMs: number): Promise<void> {
    if (this.#inFlight.size === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    clearTimeout(timer);
  }

  /**
   * The hops of this moment, in the order in which they started. What is still in flight comes as a copy
   * that failed with `unfinished`, since the proxy goes on filling the exchange itself.
   */
  snapshot(): RecordedHop[] {
    const hops = this.#hops.map((hop) =>
      'traces' in hop || !this.#inFlight.has(hop) ? hop : unfinished(hop),
    );
    // Spans from outside come when their exchange is over, and in batches.
    return this.#hasReceivedSpans ? hops.sort((a, b) => a.startTime - b.startTime) : hops;
  }

  /** Bytes kept of a body, without reading them: the proxy puts them together only when a case is written. */
  #kept({ size, kept }: RecordedBody): number {
    return kept ?? Math.min(size, this.#limits.maxBody);
  }

  #takes(bytes: number): boolean {
    if (this.#bytes >= this.#limits.maxBytes * 1.25) {
      this.dropped++;
      return false;
    }
    this.#bytes += bytes;
    return true;
  }

  #wakeWaiting(): void {
    for (const wake of this.#waiting) wake();
  }
}

function unfinished(exchange: Exchange): Exchange {
  const { requestBody, response, failure } = exchange;
  return {
    ...exchange,
    // A getter of the proxy's class, which spreading leaves out.
    hop: exchange.hop,
    endTime: Date.now(),
    requestBody: copyOf(requestBody),
    response: response && { ...response, body: copyOf(response.body) },
    failure: failure ?? {
      type: 'unfinished',
      message: 'the exchange was still in flight when the recording was taken',
    },
  };
}

function copyOf({ bytes, size, truncated }: RecordedBody): RecordedBody {
  return { bytes, size, truncated };
}
