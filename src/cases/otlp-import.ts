import { readAttributes } from './attribute.ts';
import type { Span, TracesData } from './documents.generated.ts';
import { normalizeTraces } from './otlp-json.ts';
import type { Redactor } from './redaction.ts';

/** What makes a span the record of an HTTP exchange, by OpenTelemetry's conventions old and new, and ours. */
const METHOD_KEYS = ['http.request.method', 'http.method', 'http.request.header.:method'];
const TARGET_KEYS = ['url.full', 'url.path', 'http.url', 'http.target', 'http.request.header.:path'];

/** Kinds of spans at the edge of a service: server and client. Spans of frameworks inside it repeat its attributes. */
const EDGE_KINDS: ReadonlySet<unknown> = new Set([2, 3]);

/**
 * The HTTP hops in OTLP traces of any program, each as a payload of its own, which is what a case consists of. Spans
 * stay as they are, with the resource and the scope that they belong to.
 *
 * @param value OTLP/JSON: `TracesData` or `ExportTraceServiceRequest`
 * @param redactor hides secrets
 * @returns also how many spans were passed over, because they are none of HTTP
 * @throws {OtlpError} with a JSON Pointer for each mistake
 */
export function hopsOfOtlp(value: unknown, redactor?: Redactor): { hops: TracesData[]; passedOver: number } {
  const hops: TracesData[] = [];
  let passedOver = 0;
  for (const { scopeSpans, ...resourceSpans } of normalizeTraces(value).resourceSpans) {
    for (const { spans, ...scoped } of scopeSpans ?? []) {
      for (const span of spans ?? []) {
        if (!isHop(span)) {
          passedOver += 1;
          continue;
        }
        const kept = redactor?.redactSpan(span) ?? span;
        hops.push({ resourceSpans: [{ ...resourceSpans, scopeSpans: [{ ...scoped, spans: [kept] }] }] });
      }
    }
  }
  return { hops, passedOver };
}

/** Lookups that a proxy made (`sp.span.type` is `inject`) went nowhere. */
function isHop(span: Span): boolean {
  const attributes = readAttributes(span.attributes);
  const type = attributes.get('sp.span.type');
  if (type !== undefined) return type === 'extract';
  const isHttp = METHOD_KEYS.some((key) => attributes.has(key));
  return isHttp && (EDGE_KINDS.has(span.kind) || TARGET_KEYS.some((key) => attributes.has(key)));
}
