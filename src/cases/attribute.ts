import type { AnyValue, KeyValue } from './documents.generated.ts';

/** The prefixes of the attributes that carry fields of a message (CONTRACT section 5). */
export const REQUEST_HEADER = 'http.request.header.';
export const REQUEST_TRAILER = 'http.request.trailer.';
export const RESPONSE_HEADER = 'http.response.header.';
export const RESPONSE_TRAILER = 'http.response.trailer.';

/** What tied the hop to its session: a value of `Attribution`. */
export const SESSION_ATTRIBUTION = 'sp.session.attribution';

export function stringAttribute(key: string, value: string): KeyValue {
  return { key, value: { stringValue: value } };
}

/** OTLP/JSON writes 64-bit integers as decimal strings. */
export function intAttribute(key: string, value: number): KeyValue {
  return { key, value: { intValue: String(value) } };
}

export function boolAttribute(key: string, value: boolean): KeyValue {
  return { key, value: { boolValue: value } };
}

/** One string, or an array of strings where a field came more than once. */
export function fieldAttribute(key: string, values: readonly string[]): KeyValue {
  const [first = ''] = values;
  if (values.length <= 1) return stringAttribute(key, first);
  return { key, value: { arrayValue: { values: values.map((stringValue) => ({ stringValue })) } } };
}

/** Attributes as a map of plain values: strings, numbers, booleans, bytes, arrays and nested maps. */
export function readAttributes(attributes: readonly KeyValue[] | undefined): Map<string, unknown> {
  const map = new Map<string, unknown>();
  for (const { key, value } of attributes ?? []) map.set(key, plainValue(value));
  return map;
}

/**
 * The plain value of an OTLP AnyValue; undefined for an empty one. Integers that a number cannot hold exactly
 * become bigints; bytes become a Uint8Array.
 */
export function plainValue(value: AnyValue | undefined): unknown {
  if (value === undefined) return undefined;
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return plainInteger(value.intValue);
  if (value.doubleValue !== undefined) return Number(value.doubleValue);
  if (value.bytesValue !== undefined) return new Uint8Array(Buffer.from(value.bytesValue, 'base64'));
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainValue);
  if (value.kvlistValue !== undefined) return readAttributes(value.kvlistValue.values);
  return undefined;
}

function plainInteger(value: string | number): number | bigint | string {
  const number = Number(value);
  if (typeof value === 'number' || Number.isSafeInteger(number)) return number;
  return /^-?\d{1,20}$/.test(value) ? BigInt(value) : value;
}

/** An attribute that should be text: numbers and booleans are written out, anything else is no text. */
export function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  return undefined;
}

/** An attribute that should be a whole number, not below zero: a number or its decimal digits. */
export function asCount(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
