import type { Attribution, Exchange } from '../../cases/index.ts';

/** One hop of a case in short: an element of `spanSummary` in JSON, a row of the table. */
export interface HopSummary {
  /** From 1, in the order in which the requests started. */
  readonly index: number;
  readonly direction: Exchange['hop']['direction'];
  readonly method: string;
  readonly url: string;
  /** Null where no response came. */
  readonly status: number | null;
  /** Bytes of the response body on the wire. */
  readonly responseSize: number;
  /** Milliseconds. */
  readonly durationMs: number;
  readonly outcome: Exchange['outcome'];
  /** What tied it to its session, or null where the recording does not say. */
  readonly attribution: Attribution | null;
  /** Label of the rule that decided, or null. */
  readonly rule: string | null;
  /** `error.type` of a hop that failed, or null. */
  readonly failure: string | null;
  readonly traceId: string;
  readonly spanId: string;
}

/** Each hop in short, in the order given. */
export function summarizeHops(exchanges: readonly Exchange[]): HopSummary[] {
  return exchanges.map(summarize);
}

function summarize(exchange: Exchange, position: number): HopSummary {
  const { hop, response, failure, trace } = exchange;
  return {
    index: position + 1,
    direction: hop.direction,
    method: hop.method,
    url: urlOf(hop),
    status: response?.status ?? null,
    responseSize: response?.body.size ?? 0,
    durationMs: Math.max(0, Math.round((exchange.endTime - exchange.startTime) * 100) / 100),
    outcome: exchange.outcome,
    attribution: hop.attribution ?? null,
    rule: exchange.rule ?? null,
    failure: failure?.type ?? null,
    traceId: trace.traceId,
    spanId: trace.spanId,
  };
}

function urlOf({ scheme, host, path, query }: Exchange['hop']): string {
  return `${scheme}://${host}${path}${query === undefined ? '' : `?${query}`}`;
}
