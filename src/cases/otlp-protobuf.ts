import { fromBinary, fromJson, type JsonObject, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import type { Span, TracesData } from './documents.generated.ts';
import { OtlpError } from './otlp-error.ts';
import { normalizeTraces } from './otlp-json.ts';
import { TracesDataSchema } from './otlp-schema.ts';

/**
 * Reads OTLP traces (`TracesData` or `ExportTraceServiceRequest`) from protobuf into the OTLP/JSON shape:
 * hex ids, enum numbers, 64-bit integers as decimal strings.
 *
 * @throws {OtlpError} when the bytes are no such message
 */
export function tracesFromProtobuf(bytes: Uint8Array): TracesData {
  let json: JsonValue;
  try {
    json = toJson(TracesDataSchema, fromBinary(TracesDataSchema, bytes), { enumAsInteger: true });
    restoreEmptyKeys(json);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OtlpError(`not OTLP protobuf: ${reason}`, [], { cause });
  }
  const traces = { resourceSpans: [], ...(json as object) } as TracesData;
  // Protobuf takes almost any bytes for fields that it does not know.
  if (bytes.length > 0 && traces.resourceSpans.length === 0) {
    throw new OtlpError('not OTLP protobuf: expected TracesData, found a message without any resourceSpans');
  }
  return withIds(traces, (base64) => Buffer.from(base64, 'base64').toString('hex'));
}

/**
 * Writes OTLP/JSON traces as protobuf. Keys that OTLP does not have are left out, as protobuf has no place for
 * them.
 *
 * @throws {OtlpError} when the value does not have the shape of OTLP traces
 */
export function tracesToProtobuf(traces: TracesData): Uint8Array {
  const base64Ids = withIds(normalizeTraces(traces), (hex) => Buffer.from(hex, 'hex').toString('base64'));
  try {
    const message = fromJson(TracesDataSchema, base64Ids as JsonValue, { ignoreUnknownFields: true });
    return toBinary(TracesDataSchema, message);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new OtlpError(`not OTLP traces: ${reason}`, [], { cause });
  }
}

/** Protobuf leaves out what is empty, but an attribute without a key is none to those who read JSON. */
function restoreEmptyKeys(json: JsonValue): void {
  if (Array.isArray(json)) {
    for (const item of json) restoreEmptyKeys(item);
  } else if (isObject(json)) {
    for (const [name, child] of Object.entries(json)) {
      if (name === 'attributes') addEmptyKeys(child);
      if (name === 'kvlistValue' && isObject(child)) addEmptyKeys(child.values);
      restoreEmptyKeys(child);
    }
  }
}

function addEmptyKeys(pairs: JsonValue | undefined): void {
  if (!Array.isArray(pairs)) return;
  for (const pair of pairs) if (isObject(pair)) pair.key ??= '';
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** A copy with every trace and span id converted: OTLP/JSON writes them in hex, protobuf's own JSON in base64. */
function withIds(traces: TracesData, convert: (id: string) => string): TracesData {
  const convertIn = <Part extends object>(part: Part, keys: readonly string[]): Part => {
    const converted: Record<string, string> = {};
    for (const [key, value] of Object.entries(part)) {
      if (keys.includes(key) && typeof value === 'string') converted[key] = convert(value);
    }
    return { ...part, ...converted };
  };
  const convertSpan = (span: Span): Span => ({
    ...convertIn(span, ['traceId', 'spanId', 'parentSpanId']),
    ...(Array.isArray(span.links) && {
      links: span.links.map((link: object) => convertIn(link, ['traceId', 'spanId'])),
    }),
  });
  return {
    ...traces,
    resourceSpans: traces.resourceSpans.map((resourceSpans) => ({
      ...resourceSpans,
      ...(resourceSpans.scopeSpans && {
        scopeSpans: resourceSpans.scopeSpans.map((scopeSpans) => ({
          ...scopeSpans,
          ...(scopeSpans.spans && { spans: scopeSpans.spans.map(convertSpan) }),
        })),
      }),
    })),
  };
}
