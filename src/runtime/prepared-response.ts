import {
  ContentCodingError,
  encodeContent,
  hopByHopNames,
  IssueList,
  isHopByHop,
  pointerTo,
  type ResponseSpec,
  type ValidationIssue,
} from '../cases/index.ts';
import type { PreparedResponse, Respond } from './decision.ts';
import { headerSafe } from './header-safe.ts';

/** A response that cannot be sent. `issues` is never empty; their pointers are relative to the response. */
export class InvalidResponseError extends Error {
  override readonly name = 'InvalidResponseError';
  readonly issues: readonly ValidationIssue[];

  constructor(issues: readonly ValidationIssue[]) {
    super(issues.map(({ pointer, message }) => `${pointer}: ${message}`).join('; '));
    this.issues = issues;
  }
}

/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** What a field value may not contain: controls other than tab (RFC 9110 section 5.5), or more than an octet. */
const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** Fields of a given response, besides hop-by-hop ones, that are not sent as given. */
const REPLACED: ReadonlySet<string> = new Set([
  // Always computed from the bytes that are sent.
  'content-length',
  // Announces trailers, of which a prepared response has none; node:http refuses it beside a content-length.
  'trailer',
  // Ours to say. A response that was recorded behind another softprobe-proxy carries that one's.
  'x-softprobe-outcome',
  'x-softprobe-rule',
]);

/** Statuses whose responses have no content (RFC 9110 sections 15.3.5 and 15.4.5). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);

/** Octets up to which one write of head and body together is worth a copy of the body. */
const MAX_BODY_TEXT = 16 * 1024;

/** First octets of a coded body, where the coding has a signature (RFC 1952 section 2.3.1, RFC 8878 section 3.1.1). */
const SIGNATURES: ReadonlyMap<string, readonly number[]> = new Map([
  ['gzip', [0x1f, 0x8b]],
  ['x-gzip', [0x1f, 0x8b]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
]);

/**
 * Turns a response of a rule or policy into the bytes to send (CONTRACT section 7). A body that is not a
 * string becomes JSON; `content-length` is computed; hop-by-hop fields are dropped; where there is a
 * `content-encoding` the body is encoded, so that header and bytes agree. HEAD is not known here: the sender
 * leaves the body out and keeps the length.
 *
 * The one length that is taken as given is that of a body which is not sent at all: the answer to HEAD, or a 304,
 * tells how long the body of a GET would be (RFC 9110 section 8.6).
 *
 * @param ruleLabel goes into `x-softprobe-rule`
 * @param answersHead it is the answer to nothing but HEAD requests
 * @throws {InvalidResponseError} for a header that HTTP cannot carry, or a body that is not what its
 * `bodyEncoding` says
 */
export function prepareResponse(
  spec: ResponseSpec,
  outcome: Respond['outcome'],
  ruleLabel: string | undefined,
  answersHead = false,
): PreparedResponse {
  const list = new IssueList();
  const status = spec.status ?? 200;
  const headers = endToEndHeaders(checkedHeaders(spec.headers ?? {}, list));
  const bytes = bodyBytes(spec, list);
  if (list.issues.length > 0) throw new InvalidResponseError(list.issues);

  if (typeof spec.body !== 'string' && spec.body !== undefined && !hasHeader(headers, 'content-type')) {
    headers.push('content-type', 'application/json');
  }
  const hasBody = !WITHOUT_BODY.has(status);
  const body = hasBody && bytes !== undefined ? codedBody(bytes, spec, headers) : new Uint8Array(0);
  const told = bytes === undefined && (answersHead || status === 304) ? givenLength(spec) : undefined;
  if (told !== undefined) headers.push('content-length', told);
  else if (hasBody) headers.push('content-length', String(body.length));

  const wireHeaders = [...headers, 'x-softprobe-outcome', outcome];
  if (ruleLabel !== undefined) wireHeaders.push('x-softprobe-rule', headerSafe(ruleLabel));
  const bodyText = body.length <= MAX_BODY_TEXT ? Buffer.from(body).toString('latin1') : undefined;
  return { status, headers, wireHeaders, body, bodyText };
}

/** The content-length that a response names, where it is one. */
function givenLength({ headers = {} }: ResponseSpec): string | undefined {
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-length') ?? [];
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? value : undefined;
}

function checkedHeaders(headers: NonNullable<ResponseSpec['headers']>, list: IssueList): string[] {
  const flat: string[] = [];
  for (const [name, given] of Object.entries(headers)) {
    // HTTP/2 pseudo-fields such as `:status`, which recordings of older proxies list among the headers.
    if (name.startsWith(':')) continue;
    const pointer = pointerTo('headers', name);
    if (!TOKEN.test(name)) {
      list.add(pointer, `expected a header name (RFC 9110 section 5.1), got ${JSON.stringify(name)}`);
      continue;
    }
    for (const value of typeof given === 'string' ? [given] : given) {
      const [forbidden] = FORBIDDEN_IN_VALUE.exec(value) ?? [];
      if (forbidden !== undefined) list.add(pointer, describeForbidden(forbidden));
      flat.push(name, value);
    }
  }
  return flat;
}

function describeForbidden(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return `expected printable ISO-8859-1 text, got the character U+${code}, which a header cannot carry`;
}

function endToEndHeaders(headers: readonly string[]): string[] {
  const named = hopByHopNames(headers);
  return headers.filter((_, index) => {
    const name = (headers[index - (index % 2)] ?? '').toLowerCase();
    return !isHopByHop(name) && !REPLACED.has(name) && !named?.has(name);
  });
}

function hasHeader(headers: readonly string[], lowerName: string): boolean {
  return headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === lowerName);
}

/** The body before content coding; undefined where the rule gives none. */
function bodyBytes({ body, bodyEncoding }: ResponseSpec, list: IssueList): Uint8Array | undefined {
  if (body === undefined) return undefined;
  if (typeof body === 'string') {
    return bodyEncoding === 'base64' ? base64Bytes(body, list) : Buffer.from(body, 'utf8');
  }
  if (bodyEncoding === 'base64') {
    list.add('/body', 'expected a base64 string, because bodyEncoding is "base64"');
    return undefined;
  }
  try {
    return Buffer.from(JSON.stringify(body), 'utf8');
  } catch (error) {
    // JSON.stringify recurses.
    if (!(error instanceof RangeError)) throw error;
    list.add('/body', 'the value nests too deeply to be written as JSON');
    return undefined;
  }
}

/** Either alphabet of RFC 4648, with or without padding and line breaks. */
function base64Bytes(text: string, list: IssueList): Uint8Array | undefined {
  const digits = text.replaceAll(/\s/g, '').replace(/={1,2}$/, '');
  const bytes = Buffer.from(digits, 'base64');
  // The decoder skips what is not base64 without a word, and then gives fewer bytes than there were digits for.
  if (digits.length % 4 === 1 || bytes.length !== Math.floor((digits.length * 3) / 4)) {
    list.add('/body', 'expected base64 (RFC 4648), because bodyEncoding is "base64"');
    return undefined;
  }
  return bytes;
}

function codedBody(bytes: Uint8Array, spec: ResponseSpec, headers: readonly string[]): Uint8Array {
  const codings = headers.filter(
    (_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === 'content-encoding',
  );
  if (codings.length === 0) return bytes;
  const contentEncoding = codings.join(', ');
  if (spec.bodyEncoding === 'base64' && isCodedAlready(bytes, contentEncoding)) return bytes;
  try {
    return encodeContent(bytes, contentEncoding);
  } catch (error) {
    // A coding that nobody knows: the bytes are then what the rule's author says they are.
    if (error instanceof ContentCodingError) return bytes;
    throw error;
  }
}

/** A recording holds bytes that could not be decoded as they came: they must be replayed as they came. */
function isCodedAlready(bytes: Uint8Array, contentEncoding: string): boolean {
  const outermost = contentEncoding.slice(contentEncoding.lastIndexOf(',') + 1);
  const signature = SIGNATURES.get(outermost.trim().toLowerCase());
  return signature?.every((octet, index) => bytes[index] === octet) ?? false;
}
