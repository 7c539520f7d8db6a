/**
 * What was seen: the exchange, its OTLP span form, the case file, lookup and redaction.
 *
 * The lowest layer of the house. No sockets, no sessions, no decisions; every other folder may import
 * from here and this one imports from none of them.
 */
export type {
  Direction,
  Exchange,
  ExtraRedaction,
  Failure,
  Hop,
  Outcome,
  RawHeaders,
  RecordedBody,
  RecordedResponse,
} from './exchange.ts';
export type { TraceContext } from './trace-context.ts';
