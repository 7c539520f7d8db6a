import type { CaseDocument, Resource, Span, TracesData } from './documents.generated.ts';

/** A span of a case together with the resource that it belongs to. */
export interface CaseSpan {
  readonly span: Span;
  readonly resource: Resource | undefined;
}

/** All spans of a case, in the order of the file. */
export function* spansOf(document: CaseDocument): Generator<CaseSpan> {
  for (const traces of document.traces) yield* spansOfTraces(traces);
}

/** All spans of one OTLP payload. */
export function* spansOfTraces(traces: TracesData): Generator<CaseSpan> {
  for (const { resource, scopeSpans } of traces.resourceSpans) {
    for (const { spans } of scopeSpans ?? []) {
      for (const span of spans ?? []) yield { span, resource };
    }
  }
}
