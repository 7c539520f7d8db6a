import { isUtf8 } from 'node:buffer';
import { ContentCodingError, decodeContent, decodeContentPrefix } from './content-coding.ts';
import type { RawHeaders, RecordedBody } from './exchange.ts';
import { headerValue, headerValues } from './headers.ts';

/** A body as a span attribute and a rule carry it: text, or base64 where `encoding` says so. */
export interface BodyText {
  readonly value: string;
  readonly encoding: 'base64' | undefined;
}

/** Types outside `text/*` and the `+json`, `+xml`, `+yaml` families whose bodies people read. */
const TEXTUAL_TYPES: ReadonlySet<string> = new Set([
  'application/ecmascript',
  'application/graphql',
  'application/javascript',
  'application/json',
  'application/json5',
  'application/jsonl',
  'application/jwt',
  'application/ld+json',
  'application/ndjson',
  'application/sql',
  'application/toml',
  'application/x-javascript',
  'application/x-json',
  'application/x-jsonlines',
  'application/x-ndjson',
  'application/x-sh',
  'application/x-www-form-urlencoded',
  'application/x-yaml',
  'application/xml',
  'application/xml-dtd',
  'application/yaml',
  'message/http',
]);

/** Is a body with this `content-type` something that people read as text? */
export function isTextual(contentType: string): boolean {
  const type = mediaType(contentType);
  return type.startsWith('text/') || /\+(?:json|xml|yaml)$/.test(type) || TEXTUAL_TYPES.has(type);
}

/** Is a body with this `content-type` made of JSON (one document, or one a line)? */
export function isJson(contentType: string): boolean {
  const type = mediaType(contentType);
  return /[/+](?:x-)?(?:nd)?json(?:5|l|lines|-seq|-patch)?$/.test(type);
}

/** Type and subtype in lower case, without parameters (RFC 9110 section 8.3.1). */
function mediaType(contentType: string): string {
  const end = contentType.indexOf(';');
  return (end === -1 ? contentType : contentType.slice(0, end)).trim().toLowerCase();
}

/**
 * A recorded body in the form of CONTRACT section 5: content codings undone; the text if it is valid UTF-8 of
 * a textual type, else base64. Without a type it is text if it looks like text.
 *
 * Of a body whose end is missing, what can be decoded is kept. One that is whole but not what its
 * `content-encoding` says is kept as its bytes on the wire, in base64, so that a replay sends the same.
 *
 * @param isCut the end of the body is missing: cut by the recording limit, or the sender broke off
 * @returns undefined when no byte of a body was recorded
 */
export function bodyAttribute(
  body: RecordedBody,
  headers: RawHeaders,
  isCut: boolean = body.truncated,
): BodyText | undefined {
  if (body.bytes.length === 0) return undefined;
  const decoded = body.decoded === true ? body.bytes : decodeBody(body.bytes, headers, isCut);
  if (decoded === undefined) return base64(body.bytes);
  const contentType = headerValue(headers, 'content-type');
  const text = textOf(isCut ? withoutPartialCharacter(decoded) : decoded);
  if (text === undefined) return base64(decoded);
  const isText = contentType === undefined ? !hasControlCharacters(text) : isTextual(contentType);
  return isText ? { value: text, encoding: undefined } : base64(decoded);
}

/** The bytes with their content codings undone; undefined where that cannot be done. */
function decodeBody(bytes: Uint8Array, headers: RawHeaders, isCut: boolean): Uint8Array | undefined {
  // Several fields with this name are one list (RFC 9110 section 5.3).
  const codings = headerValues(headers, 'content-encoding').join(',');
  if (codings === '') return bytes;
  try {
    if (!isCut) return decodeContent(bytes, codings);
    const beginning = decodeContentPrefix(bytes, codings);
    return beginning.length > 0 ? beginning : undefined;
  } catch (error) {
    if (error instanceof ContentCodingError) return undefined;
    throw error;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
    : undefined;
}

function base64(bytes: Uint8Array): BodyText {
  return {
    value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64'),
    encoding: 'base64',
  };
}

/** C0 controls other than tab, line feed, form feed and carriage return do not appear in text. */
function hasControlCharacters(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return /[\u0000-\u0008\u000b\u000e-\u001f\u007f]/.test(text);
}

/** Drops the first bytes of a UTF-8 sequence whose rest was cut off; anything else stays as it is. */
function withoutPartialCharacter(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue; // a continuation byte: the sequence begins further left
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    // Nothing but the piece of one: it could as well be anything else.
    return length > back && bytes.length > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}
