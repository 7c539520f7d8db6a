/** Length of a trace id and of a span id in octets (OTLP, W3C Trace Context). */
export const TRACE_ID_OCTETS = 16;
export const SPAN_ID_OCTETS = 8;

/**
 * A trace or span id in lower-case hex, as OTLP/JSON writes it. Also takes base64, which older writers
 * produced; the two cannot be confused, as their lengths differ. An empty one means that there is none.
 *
 * @param octets length of the id: {@link TRACE_ID_OCTETS} or {@link SPAN_ID_OCTETS}
 * @returns undefined where the value is no such id
 */
export function hexId(value: unknown, octets: number): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (value.length === octets * 2 && /^[0-9a-fA-F]+$/.test(value)) return value.toLowerCase();
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(value) || value.length > octets * 2) return undefined;
  const bytes = Buffer.from(value, 'base64');
  return bytes.length === octets ? bytes.toString('hex') : undefined;
}
