import assert from 'node:assert/strict';
import { readAttributes } from '../../../src/cases/attribute.ts';
import { type Span, spansOfTraces, type TracesData } from '../../../src/cases/index.ts';

/** The only span of a payload. */
export function onlySpan(traces: TracesData): Span {
  const spans = Array.from(spansOfTraces(traces), ({ span }) => span);
  const [span] = spans;
  assert.ok(span !== undefined && spans.length === 1, `expected one span, got ${spans.length}`);
  return span;
}

/** The attributes of the only span of a payload, as plain values. */
export function attributesOf(traces: TracesData): Map<string, unknown> {
  return readAttributes(onlySpan(traces).attributes);
}
