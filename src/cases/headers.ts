import type { RawHeaders } from './exchange.ts';

/**
 * Fields that concern one connection only (RFC 9110 section 7.6.1) and are therefore neither forwarded,
 * recorded nor replayed. `trailer` is not among them: it describes the message, and trailers travel on.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
  // Never standardised, but sent by older clients to proxies in the place of `connection`.
  'proxy-connection',
  // Credentials between a client and its next proxy (RFC 9110 section 11.7); they end there.
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  // Only has a meaning beside `upgrade: h2c`, which does not travel (RFC 7540 section 3.2.1).
  'http2-settings',
]);

/** Is this lower-case field name one that concerns a single connection? */
export function isHopByHop(lowerName: string): boolean {
  return HOP_BY_HOP.has(lowerName);
}

/** The value of the first field with this lower-case name. */
export function headerValue(headers: RawHeaders, lowerName: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (isNamed(headers[i], lowerName)) return headers[i + 1];
  }
  return undefined;
}

/** The values of all fields with this lower-case name, in their order. */
export function headerValues(headers: RawHeaders, lowerName: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (isNamed(headers[i], lowerName)) values.push(headers[i + 1] ?? '');
  }
  return values;
}

/** Lengths first: almost every name differs by its length, and comparing lengths allocates nothing. */
function isNamed(name: string | undefined, lowerName: string): boolean {
  return (
    name !== undefined &&
    name.length === lowerName.length &&
    (name === lowerName || name.toLowerCase() === lowerName)
  );
}

/**
 * The further field names that this message's `Connection` fields declare to be hop-by-hop (RFC 9110
 * section 7.6.1), in lower case; undefined where they name none.
 */
export function hopByHopNames(headers: RawHeaders): Set<string> | undefined {
  let names: Set<string> | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (!isNamed(headers[i], 'connection')) continue;
    for (const option of (headers[i + 1] ?? '').split(',')) {
      const name = option.trim().toLowerCase();
      if (name === '' || name === 'close' || HOP_BY_HOP.has(name) || isEndToEnd(name)) continue;
      names ??= new Set();
      names.add(name);
    }
  }
  return names;
}

/** Fields that route and frame the message: a sender that lists them must not be able to remove them. */
function isEndToEnd(lowerName: string): boolean {
  return lowerName === 'host' || lowerName === 'content-length';
}

/**
 * The fields that a recording keeps, in the order of their first appearance: lower-case name to all its
 * values, without the white space around them, which is no part of a value (RFC 9110 section 5.5). Neither
 * hop-by-hop nor `proxy-*` fields are among them (CONTRACT section 5).
 */
export function recordedHeaders(headers: RawHeaders): Map<string, string[]> {
  const dropped = hopByHopNames(headers);
  const fields = new Map<string, string[]>();
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = (headers[i] ?? '').toLowerCase();
    if (name === '' || name.startsWith(':') || name.startsWith('proxy-')) continue;
    if (isHopByHop(name) || dropped?.has(name)) continue;
    const value = withoutOuterSpace(headers[i + 1] ?? '');
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return fields;
}

/** Strips spaces and tabs; `trim` would take latin-1's no-break space as well. */
function withoutOuterSpace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isSpace(value.charCodeAt(start))) start += 1;
  while (end > start && isSpace(value.charCodeAt(end - 1))) end -= 1;
  return start === 0 && end === value.length ? value : value.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** One character an octet, as header values are held; text beyond latin-1 becomes UTF-8. */
export function headerOctets(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is latin-1, control characters included
  return /^[\u0000-\u00ff]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}
