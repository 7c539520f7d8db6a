/** Position of a hop in its trace (W3C Trace Context). Ids are lower-case hex. */
export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits: the span of this hop. */
  readonly spanId: string;
  /** 16 hex digits: the span that sent the request, where it said so. Never equal to `spanId`. */
  readonly parentSpanId: string | undefined;
  /** The flags octet, 0 to 255; bit 0 is `sampled`. */
  readonly flags: number;
}
