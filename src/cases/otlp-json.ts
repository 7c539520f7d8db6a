import type { AnyValue, KeyValue, ScopeSpans, Span, TracesData } from './documents.generated.ts';
import { OtlpError } from './otlp-error.ts';
import { hexId, SPAN_ID_OCTETS, TRACE_ID_OCTETS } from './otlp-id.ts';
import { InvalidDocumentError, validateDocument } from './validation.ts';

/** Values nested deeper than this are refused, as protobuf libraries do. */
const MAX_DEPTH = 100;

const SPAN_KINDS: ReadonlyMap<unknown, number> = enumeration('SPAN_KIND_', [
  'UNSPECIFIED',
  'INTERNAL',
  'SERVER',
  'CLIENT',
  'PRODUCER',
  'CONSUMER',
]);
const STATUS_CODES: ReadonlyMap<unknown, number> = enumeration('STATUS_CODE_', ['UNSET', 'OK', 'ERROR']);

function enumeration(prefix: string, names: readonly string[]): Map<unknown, number> {
  return new Map(names.map((name, number) => [prefix + name, number]));
}

/**
 * OTLP/JSON from outside as the OTLP specification wants it: trace and span ids in lower-case hex (base64 is
 * taken too), enums as numbers (names are taken too), 64-bit integers as decimal strings (numbers are taken
 * too). Fields that we do not know are kept. The value itself is not changed.
 *
 * @throws {OtlpError} with a JSON Pointer for each mistake
 */
export function normalizeTraces(value: unknown): TracesData {
  const traces = checkShape(value);
  return {
    ...traces,
    resourceSpans: traces.resourceSpans.map((resourceSpans, index) => {
      const at = `/resourceSpans/${index}`;
      const { resource, scopeSpans } = resourceSpans;
      return {
        ...resourceSpans,
        ...(resource && { resource: withAttributes(resource, `${at}/resource`) }),
        ...(scopeSpans && {
          scopeSpans: scopeSpans.map((scoped, i) => normalizeScopeSpans(scoped, `${at}/scopeSpans/${i}`)),
        }),
      };
    }),
  };
}

/** The schema of a case describes traces; a payload alone is the only trace of a case. */
function checkShape(value: unknown): TracesData {
  try {
    const { traces } = validateDocument('case', { version: '1.0.0', caseId: 'otlp', traces: [value] });
    return traces[0] ?? { resourceSpans: [] };
  } catch (cause) {
    if (cause instanceof RangeError)
      throw invalid('', `nested too deeply, expected at most ${MAX_DEPTH} levels`);
    if (!(cause instanceof InvalidDocumentError)) throw cause;
    const issues = cause.issues.map(({ pointer, message }) => ({
      pointer: pointer.replace(/^\/traces\/0/, ''),
      message,
    }));
    const [first] = issues;
    throw new OtlpError(`not OTLP traces: ${first?.pointer || '/'} ${first?.message}`, issues, { cause });
  }
}

function invalid(pointer: string, message: string): OtlpError {
  return new OtlpError(`not OTLP traces: ${pointer || '/'} ${message}`, [{ pointer, message }]);
}

function normalizeScopeSpans(scopeSpans: ScopeSpans, at: string): ScopeSpans {
  const { scope, spans } = scopeSpans;
  return {
    ...scopeSpans,
    ...(isObject(scope) && { scope: withAttributes(scope, `${at}/scope`) }),
    ...(spans && { spans: spans.map((span, index) => normalizeSpan(span, `${at}/spans/${index}`)) }),
  };
}

function normalizeSpan(span: Span, at: string): Span {
  const { kind, status } = span;
  return {
    ...withIds(withAttributes(span, at), at),
    ...(kind !== undefined && { kind: enumNumber(SPAN_KINDS, kind, `${at}/kind`) }),
    ...integers(span, ['startTimeUnixNano', 'endTimeUnixNano'], at),
    ...(status?.code !== undefined && {
      status: { ...status, code: enumNumber(STATUS_CODES, status.code, `${at}/status/code`) },
    }),
    ...(span.events !== undefined && {
      events: listOf(span.events, `${at}/events`).map((event, index) => ({
        ...withAttributes(event, `${at}/events/${index}`),
        ...integers(event, ['timeUnixNano'], `${at}/events/${index}`),
      })),
    }),
    ...(span.links !== undefined && {
      links: listOf(span.links, `${at}/links`).map((link, index) =>
        withIds(withAttributes(link, `${at}/links/${index}`), `${at}/links/${index}`),
      ),
    }),
  };
}

/** Hex ids; an empty one says that there is none and is dropped. */
function withIds<Part extends object>(part: Part, at: string): Part {
  const copy = { ...part } as Record<string, unknown>;
  for (const key of ['traceId', 'spanId', 'parentSpanId']) {
    const id = copy[key];
    if (id === undefined) continue;
    if (id === '') {
      delete copy[key];
      continue;
    }
    const octets = key === 'traceId' ? TRACE_ID_OCTETS : SPAN_ID_OCTETS;
    const hex = hexId(id, octets);
    if (hex === undefined) {
      throw invalid(`${at}/${key}`, `expected ${2 * octets} hex digits (or ${octets} octets in base64)`);
    }
    copy[key] = hex;
  }
  return copy as Part & Record<string, unknown>;
}

function integers(part: object, keys: readonly string[], at: string): Record<string, string> {
  const normalized: Record<string, string> = {};
  for (const [key, value] of Object.entries(part)) {
    if (keys.includes(key)) normalized[key] = decimal(value, `${at}/${key}`, 0n, 2n ** 64n - 1n);
  }
  return normalized;
}

function decimal(value: unknown, at: string, least: bigint, most: bigint): string {
  const isInteger = typeof value === 'number' ? Number.isInteger(value) : /^-?\d{1,20}$/.test(String(value));
  if (typeof value !== 'boolean' && isInteger) {
    const integer = BigInt(value as string | number);
    if (integer >= least && integer <= most) return String(integer);
  }
  throw invalid(at, `expected an integer from ${least} to ${most}, as a decimal string`);
}

function enumNumber(names: ReadonlyMap<unknown, number>, value: unknown, at: string): number {
  const number = typeof value === 'number' ? value : names.get(value);
  if (number !== undefined) return number;
  throw invalid(at, `expected a number or one of ${[...names.keys()].join(', ')}`);
}

function withAttributes<Part extends object>(part: Part, at: string): Part {
  if (!('attributes' in part) || part.attributes === undefined) return part;
  // The schema has looked at the attributes of spans and resources, but not at those of scopes, events and links.
  const attributes = listOf(part.attributes, `${at}/attributes`);
  return {
    ...part,
    attributes: attributes.map((item, i) => normalizePair(item, `${at}/attributes/${i}`, 1)),
  };
}

function normalizePair(pair: object, at: string, depth: number): KeyValue {
  if (!('key' in pair) || typeof pair.key !== 'string') throw invalid(`${at}/key`, 'expected a string');
  const { key } = pair;
  if (!('value' in pair) || pair.value === undefined) return { ...pair, key };
  if (!isObject(pair.value)) throw invalid(`${at}/value`, 'expected an object');
  return { ...pair, key, value: normalizeValue(pair.value, `${at}/value`, depth + 1) };
}

function normalizeValue(value: AnyValue, at: string, depth: number): AnyValue {
  if (depth > MAX_DEPTH)
    throw invalid(at.slice(0, 80), `nested too deeply, expected at most ${MAX_DEPTH} levels`);
  const { intValue, arrayValue, kvlistValue } = value;
  if (intValue !== undefined) {
    return { ...value, intValue: decimal(intValue, `${at}/intValue`, -(2n ** 63n), 2n ** 63n - 1n) };
  }
  if (arrayValue?.values !== undefined) {
    const place = `${at}/arrayValue/values`;
    const values = listOf(arrayValue.values, place).map((item, i) =>
      normalizeValue(item, `${place}/${i}`, depth + 1),
    );
    return { ...value, arrayValue: { ...arrayValue, values } };
  }
  if (kvlistValue?.values !== undefined) {
    const place = `${at}/kvlistValue/values`;
    const values = listOf(kvlistValue.values, place).map((item, i) =>
      normalizePair(item, `${place}/${i}`, depth + 1),
    );
    return { ...value, kvlistValue: { ...kvlistValue, values } };
  }
  return value;
}

function listOf(value: unknown, at: string): Record<string, unknown>[] {
  if (!Array.isArray(value)) throw invalid(at, 'expected an array');
  const items: unknown[] = value;
  return items.map((item, index) => {
    if (isObject(item)) return item;
    throw invalid(`${at}/${index}`, 'expected an object');
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
