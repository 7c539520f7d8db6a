import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { type TracesData, tracesToProtobuf } from '../../cases/index.ts';

/** How traces are encoded, by the names of the OTLP specification. */
export type OtlpProtocol = 'http/protobuf' | 'http/json';

/** Fewer than a collector refuses by its usual limits on size, in bytes before compression. */
const MAX_BATCH_BYTES = 1024 * 1024;
const MAX_BATCH_SPANS = 500;

/** How often one batch is sent, at most. */
const MAX_ATTEMPTS = 5;
/** Longest pause between two attempts, in milliseconds, whatever the collector asks for. */
const MAX_PAUSE = 10_000;
const FIRST_PAUSE = 250;
/** Longest that an answer may take, in milliseconds. */
const ANSWER_TIMEOUT = 30_000;

/** Longest answer of which anything is told, in characters. */
const MAX_TOLD = 300;

/** Statuses after which the same request may succeed later (OTLP specification, "Retryable Response Codes"). */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What became of spans. */
export interface Delivery {
  sent: number;
  failed: number;
  /** Why some failed: the first reason. */
  reason: string | undefined;
}

export interface OtlpExporterOptions {
  readonly url: string;
  readonly protocol: OtlpProtocol;
  /** Further headers, lower-case name to value. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends traces to an OTLP/HTTP receiver, in batches, one after another. */
export class OtlpExporter {
  readonly #options: OtlpExporterOptions;

  constructor(options: OtlpExporterOptions) {
    this.#options = options;
  }

  /**
   * Sends all of them. When a batch fails for good, the next ones are still tried, unless nobody answers.
   *
   * @param onProgress is told how many spans are done
   */
  async send(traces: Iterable<TracesData>, onProgress: (done: number) => void = () => {}): Promise<Delivery> {
    const delivery: Delivery = { sent: 0, failed: 0, reason: undefined };
    let isReachable = true;
    for (const { batch, count } of batchesOf(traces)) {
      const outcome: BatchOutcome = isReachable
        ? await this.#sendBatch(batch)
        : { rejected: count, reason: 'the receiver could not be reached', isUnreachable: true };
      isReachable = outcome.isUnreachable !== true;
      const failed = Math.min(count, outcome.rejected ?? count);
      delivery.sent += count - failed;
      delivery.failed += failed;
      delivery.reason ??= outcome.reason;
      onProgress(delivery.sent + delivery.failed);
    }
    return delivery;
  }

  async #sendBatch(batch: TracesData): Promise<BatchOutcome> {
    const isJson = this.#options.protocol === 'http/json';
    const body = gzipSync(isJson ? JSON.stringify(batch) : tracesToProtobuf(batch));
    let pause = FIRST_PAUSE;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(body, isJson);
      if (outcome.retryAfter === undefined || attempt === MAX_ATTEMPTS) return outcome;
      // Spread, so that many senders do not come back at once.
      const ownPause = pause * (0.5 + Math.random() / 2);
      await sleep(Math.min(Math.max(outcome.retryAfter, ownPause), MAX_PAUSE));
      pause *= 2;
    }
  }

  async #attempt(body: Uint8Array, isJson: boolean): Promise<BatchOutcome & { retryAfter?: number }> {
    const contentType = isJson ? 'application/json' : 'application/x-protobuf';
    try {
      const response = await fetch(this.#options.url, {
        method: 'POST',
        headers: { ...this.#options.headers, 'content-type': contentType, 'content-encoding': 'gzip' },
        body: new Uint8Array(body),
        redirect: 'error',
        signal: AbortSignal.timeout(ANSWER_TIMEOUT),
      });
      const answer = Buffer.from(await response.arrayBuffer());
      if (response.ok) return partialSuccess(answer, response.headers.get('content-type') ?? contentType);
      const told = answer.toString('utf8').slice(0, MAX_TOLD).trim();
      const reason = `the receiver answered ${response.status}${told === '' ? '' : `: ${told}`}`;
      if (!RETRYABLE.has(response.status)) return { reason };
      return { reason, retryAfter: retryAfter(response.headers.get('retry-after')) };
    } catch (cause) {
      return { reason: whyUnreachable(cause), isUnreachable: true };
    }
  }
}

interface BatchOutcome {
  /** Spans that were refused; undefined: all. */
  readonly rejected?: number;
  readonly reason?: string | undefined;
  readonly isUnreachable?: boolean;
}

/** Spans stay in the order of the case; a batch is filled up to its limits. */
function* batchesOf(traces: Iterable<TracesData>): Generator<{ batch: TracesData; count: number }> {
  let resourceSpans: TracesData['resourceSpans'] = [];
  let bytes = 0;
  let count = 0;
  for (const payload of traces) {
    const size = JSON.stringify(payload).length;
    const spans = countSpans(payload);
    if (count > 0 && (bytes + size > MAX_BATCH_BYTES || count + spans > MAX_BATCH_SPANS)) {
      yield { batch: { resourceSpans }, count };
      resourceSpans = [];
      bytes = 0;
      count = 0;
    }
    resourceSpans.push(...payload.resourceSpans);
    bytes += size;
    count += spans;
  }
  if (count > 0) yield { batch: { resourceSpans }, count };
}

function countSpans({ resourceSpans }: TracesData): number {
  let count = 0;
  for (const { scopeSpans } of resourceSpans) {
    for (const { spans } of scopeSpans ?? []) count += spans?.length ?? 0;
  }
  return count;
}

/** Seconds, as collectors send it; a date is not worth more than our own pause. */
function retryAfter(value: string | null): number {
  return value !== null && /^\d{1,6}$/.test(value) ? Number(value) * 1000 : 0;
}

/** A receiver may take a request and still refuse some of its spans (OTLP specification, "Partial Success"). */
function partialSuccess(answer: Buffer, contentType: string): BatchOutcome {
  const { rejected, reason } = /json/i.test(contentType) ? partialJson(answer) : partialProtobuf(answer);
  return { rejected, reason: rejected > 0 ? `the receiver refused ${rejected} spans: ${reason}` : undefined };
}

function partialJson(answer: Buffer): { rejected: number; reason: string } {
  try {
    const { partialSuccess } = JSON.parse(answer.toString('utf8')) ?? {};
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
    return {
      rejected: Number.isSafeInteger(rejected) ? rejected : 0,
      reason: String(partialSuccess?.errorMessage),
    };
  } catch {
    // Answered with success and something else than OTLP, or nothing: taken.
    return { rejected: 0, reason: '' };
  }
}

/** ExportTraceServiceResponse { partial_success = 1 { rejected_spans = 1, error_message = 2 } } */
function partialProtobuf(answer: Buffer): { rejected: number; reason: string } {
  let rejected = 0;
  let reason = '';
  try {
    const outer = new BinaryReader(answer);
    while (outer.pos < outer.len) {
      const [field, type] = outer.tag();
      if (field !== 1 || type !== 2) {
        outer.skip(type);
        continue;
      }
      const inner = new BinaryReader(outer.bytes());
      while (inner.pos < inner.len) {
        const [innerField, innerType] = inner.tag();
        if (innerField === 1 && innerType === 0) rejected = Number(inner.int64());
        else if (innerField === 2 && innerType === 2) reason = inner.string();
        else inner.skip(innerType);
      }
    }
  } catch {
    return { rejected: 0, reason: '' };
  }
  return { rejected, reason };
}

/** `fetch` hides what the system said in the cause of the cause. */
function whyUnreachable(error: unknown): string {
  let at: unknown = error;
  while (at instanceof Error && at.cause instanceof Error) at = at.cause;
  const code = at instanceof Error && 'code' in at && typeof at.code === 'string' ? at.code : undefined;
  const message = at instanceof Error ? at.message : String(at);
  return `the receiver cannot be reached (${code ?? message})`;
}
