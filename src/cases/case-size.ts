import type { CaseDocument, KeyValue } from './documents.generated.ts';
import type { ValidationIssue } from './validation.ts';

/** The size guidance of CONTRACT section 6: a case beyond it is slow to read, to compare and to review. */
const MAX_SPANS = 100;
const MAX_ATTRIBUTES = 128;
const MAX_VALUE_BYTES = 64 * 1024;
const MAX_TRACE_BYTES = 1024 * 1024;

/** Warnings, not errors: what in a valid case is larger than it should be. */
export function checkCase(document: CaseDocument): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  let spanCount = 0;
  for (const [index, traces] of document.traces.entries()) {
    const pointer = `/traces/${index}`;
    const size = Buffer.byteLength(JSON.stringify(traces));
    if (size > MAX_TRACE_BYTES) {
      issues.push({
        pointer,
        message: `a trace of ${size} bytes; at most ${MAX_TRACE_BYTES} are recommended`,
      });
    }
    for (const [r, { scopeSpans }] of traces.resourceSpans.entries()) {
      for (const [s, { spans }] of (scopeSpans ?? []).entries()) {
        for (const [i, { attributes }] of (spans ?? []).entries()) {
          spanCount++;
          const place = `${pointer}/resourceSpans/${r}/scopeSpans/${s}/spans/${i}/attributes`;
          issues.push(...checkAttributes(attributes ?? [], place));
        }
      }
    }
  }
  if (spanCount > MAX_SPANS) {
    const message = `${spanCount} spans; at most ${MAX_SPANS} are recommended: split the test, or record less`;
    issues.unshift({ pointer: '/traces', message });
  }
  return issues;
}

function checkAttributes(attributes: readonly KeyValue[], pointer: string): ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  if (attributes.length > MAX_ATTRIBUTES) {
    const message = `${attributes.length} attributes; at most ${MAX_ATTRIBUTES} are recommended`;
    issues.push({ pointer, message });
  }
  for (const [index, { key, value }] of attributes.entries()) {
    const size = value?.stringValue === undefined ? 0 : Buffer.byteLength(value.stringValue);
    if (size > MAX_VALUE_BYTES) {
      const message = `${key} has ${size} bytes; at most ${MAX_VALUE_BYTES} are recommended`;
      issues.push({ pointer: `${pointer}/${index}/value`, message });
    }
  }
  return issues;
}
