import type { CaseDocument, KeyValue, Span } from '../../../src/cases/documents.generated.ts';

/** The spans of a case, in the order of the file. */
export function spansOf(document: CaseDocument): Span[] {
  return document.traces.flatMap((trace) =>
    trace.resourceSpans.flatMap((resource) =>
      (resource.scopeSpans ?? []).flatMap((scope) => scope.spans ?? []),
    ),
  );
}

/** The value of a span's attribute: text, a number, a boolean, or a list of texts. */
export function attribute(span: Span, key: string): string | number | boolean | string[] | undefined {
  const found = span.attributes?.find((entry: KeyValue) => entry.key === key)?.value;
  if (found === undefined) return undefined;
  if (found.intValue !== undefined) return Number(found.intValue);
  if (found.arrayValue !== undefined)
    return (found.arrayValue.values ?? []).map((item) => item.stringValue ?? '');
  return found.stringValue ?? found.boolValue;
}

/** The only span of a case. @throws when there is none, or more than one */
export function onlySpan(document: CaseDocument): Span {
  const [span, ...others] = spansOf(document);
  if (span === undefined || others.length > 0) {
    const names = spansOf(document).map(({ name }) => name);
    throw new Error(`expected one recorded hop, got ${names.length}: ${names.join(', ')}`);
  }
  return span;
}
