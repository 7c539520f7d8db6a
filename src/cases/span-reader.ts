import {
  asCount,
  asText,
  REQUEST_HEADER,
  REQUEST_TRAILER,
  RESPONSE_HEADER,
  RESPONSE_TRAILER,
  readAttributes,
  SESSION_ATTRIBUTION,
} from './attribute.ts';
import { isTextual } from './body.ts';
import { isCoded } from './content-coding.ts';
import type { Resource, Span } from './documents.generated.ts';
import type {
  Attribution,
  Direction,
  Exchange,
  Failure,
  Hop,
  Outcome,
  RecordedBody,
  RecordedResponse,
} from './exchange.ts';
import { headerOctets, headerValue, headerValues } from './headers.ts';
import { hexId, SPAN_ID_OCTETS, TRACE_ID_OCTETS } from './otlp-id.ts';
import { millisecondsOf } from './span-time.ts';
import { splitTarget, splitUrl, type UrlParts } from './url.ts';

/** Attributes of a span as plain values. */
type Attributes = ReadonlyMap<string, unknown>;

export const ATTRIBUTIONS: readonly Attribution[] = [
  'header',
  'tracestate',
  'baggage',
  'trace-id',
  'proxy-credential',
  'sole-session',
];
/** What W3C Trace Context and OTLP write where there is no trace. */
const NO_TRACE = '0'.repeat(2 * TRACE_ID_OCTETS);
export const OUTCOMES: readonly Outcome[] = ['mock', 'error', 'strict-miss', 'forward', 'proxy-error'];

/**
 * The hop that a span describes (CONTRACT section 5, with all that readers accept): what a decision is made on
 * where a hop comes by the OTLP API, and what a lookup in a case matches on.
 *
 * `body` is empty where the span has none and null where only its beginning was recorded; `attributes` holds
 * every attribute of the span. What is missing gets the value that a plain request has (`GET`, `http`, `/`).
 *
 * @param resource the resource of the span; its `service.name` stands in for `sp.service.name`
 */
export function hopFromSpan(span: Span, resource?: Resource): Hop {
  const attributes = readAttributes(span.attributes);
  const headers = headersFrom(attributes, REQUEST_HEADER);
  return hopFrom(span, resource, attributes, headers, bodyFrom(attributes, 'http.request.body', headers));
}

/**
 * The exchange that a span describes; the inverse of `tracesFromExchange`, and tolerant as {@link hopFromSpan}.
 *
 * Bodies are held as they were recorded, with their content coding undone (`decoded` says so) though the
 * headers still name it. Not in a span, and so lost: the case of header names, the place of a repeated
 * field among the others, reason phrases.
 */
export function exchangeFromSpan(span: Span, resource?: Resource): Exchange {
  const attributes = readAttributes(span.attributes);
  const headers = headersFrom(attributes, REQUEST_HEADER);
  const requestBody = bodyFrom(attributes, 'http.request.body', headers);
  const spanId = hexId(span.spanId, SPAN_ID_OCTETS) ?? '0'.repeat(2 * SPAN_ID_OCTETS);
  const parentSpanId = hexId(span.parentSpanId, SPAN_ID_OCTETS);
  const outcome = attributes.get('sp.outcome');
  const response = responseFrom(attributes);
  const startTime = millisecondsOf(span.startTimeUnixNano);
  return {
    hop: hopFrom(span, resource, attributes, headers, requestBody),
    trace: {
      traceId: hexId(span.traceId, TRACE_ID_OCTETS) ?? NO_TRACE,
      spanId,
      parentSpanId: parentSpanId === spanId ? undefined : parentSpanId,
      flags: typeof span.flags === 'number' ? span.flags & 0xff : 0,
    },
    startTime,
    endTime: Math.max(startTime, millisecondsOf(span.endTimeUnixNano)),
    httpVersion: firstText(attributes, 'network.protocol.version', 'http.flavor') ?? '1.1',
    requestBody,
    requestTrailers: headersFrom(attributes, REQUEST_TRAILER),
    response,
    failure: failureFrom(span, attributes, response),
    outcome: OUTCOMES.find((known) => known === outcome) ?? 'forward',
    rule: firstText(attributes, 'sp.rule'),
    redaction: undefined,
  };
}

function hopFrom(
  span: Span,
  resource: Resource | undefined,
  attributes: Attributes,
  headers: string[],
  body: RecordedBody,
): Hop {
  const url = splitUrl(firstText(attributes, 'url.full', 'http.url') ?? '');
  const service =
    firstText(attributes, 'sp.service.name') ??
    asText(readAttributes(resource?.attributes).get('service.name')) ??
    '';
  const traceId = hexId(span.traceId, TRACE_ID_OCTETS);
  const isTraced = traceId !== undefined && traceId !== NO_TRACE;
  const attribution = ATTRIBUTIONS.find((known) => known === attributes.get(SESSION_ATTRIBUTION));
  return {
    direction: directionFrom(span, attributes),
    sessionId: firstText(attributes, 'sp.session.id') ?? '',
    service,
    method: firstText(attributes, 'http.request.method', 'http.method', `${REQUEST_HEADER}:method`) || 'GET',
    scheme: schemeFrom(attributes, url),
    host: hostFrom(attributes, headers, url),
    ...targetFrom(attributes, url),
    headers,
    body: body.truncated ? null : body.bytes,
    ...(isTraced && { traceId }),
    ...(attribution !== undefined && { attribution }),
    attributes,
  };
}

function directionFrom(span: Span, attributes: Attributes): Direction {
  const named = attributes.get('sp.traffic.direction');
  if (named === 'inbound' || named === 'outbound') return named;
  return span.kind === 2 || span.kind === 'SPAN_KIND_SERVER' ? 'inbound' : 'outbound';
}

function schemeFrom(attributes: Attributes, url: UrlParts | undefined): 'http' | 'https' {
  const named = firstText(attributes, 'url.scheme', 'http.scheme', `${REQUEST_HEADER}:scheme`);
  if (named !== undefined) return named.toLowerCase() === 'https' ? 'https' : 'http';
  return url?.scheme ?? 'http';
}

function hostFrom(attributes: Attributes, headers: readonly string[], url: UrlParts | undefined): string {
  const host =
    firstText(attributes, 'url.host', `${REQUEST_HEADER}:authority`, 'http.host') ||
    headerValue(headers, 'host') ||
    url?.host ||
    serverAddress(attributes);
  return host.slice(host.lastIndexOf('@') + 1);
}

/** The authority by OpenTelemetry's conventions, which keep host and port apart. */
function serverAddress(attributes: Attributes): string {
  const address = firstText(attributes, 'server.address', 'net.peer.name') ?? '';
  const port = firstText(attributes, 'server.port', 'net.peer.port');
  return port === undefined || address === '' ? address : `${address}:${port}`;
}

function targetFrom(
  attributes: Attributes,
  url: UrlParts | undefined,
): { path: string; query: string | undefined } {
  const named = firstText(attributes, 'url.path', 'http.target', `${REQUEST_HEADER}:path`);
  if (named === undefined && url !== undefined) return { path: url.path, query: url.query };
  // A target in absolute form, as a proxy receives it, and a query left in the path are both met in older files.
  const { path, query } = splitUrl(named ?? '') ?? splitTarget(named ?? '/');
  const namedQuery = firstText(attributes, 'url.query');
  if (namedQuery) return { path, query: namedQuery };
  // Some writers put an empty `url.query` where there is none; `url.full` then tells.
  const hasNone = firstText(attributes, 'url.full')?.includes('?') === false;
  return { path, query: query ?? (hasNone ? undefined : (namedQuery ?? url?.query)) };
}

/** All fields under a prefix as a flat list. Pseudo-header fields (`:path`) are not header fields. */
function headersFrom(attributes: Attributes, prefix: string): string[] {
  const headers: string[] = [];
  for (const [key, value] of attributes) {
    if (!key.startsWith(prefix) || key.length === prefix.length || key[prefix.length] === ':') continue;
    const name = key.slice(prefix.length).toLowerCase();
    for (const item of Array.isArray(value) ? value : [value]) {
      const text = asText(item);
      if (text !== undefined) headers.push(name, headerOctets(text));
    }
  }
  return headers;
}

function responseFrom(attributes: Attributes): RecordedResponse | undefined {
  const status =
    asCount(attributes.get('http.response.status_code')) ??
    asCount(attributes.get('http.status_code')) ??
    asCount(attributes.get(`${RESPONSE_HEADER}:status`));
  if (status === undefined) return undefined;
  const headers = headersFrom(attributes, RESPONSE_HEADER);
  return {
    status,
    reason: '',
    httpVersion: firstText(attributes, 'network.protocol.version', 'http.flavor') ?? '1.1',
    headers,
    trailers: headersFrom(attributes, RESPONSE_TRAILER),
    body: bodyFrom(attributes, 'http.response.body', headers),
  };
}

function bodyFrom(attributes: Attributes, key: string, headers: readonly string[]): RecordedBody {
  const truncated = attributes.get(`${key}.truncated`) === true;
  const named = attributes.get(`${key}.encoding`);
  const value = attributes.get(key);
  const contentType = headerValue(headers, 'content-type');
  const isBase64 =
    typeof value === 'string' &&
    (named === undefined ? isUnmarkedBase64(value, contentType) : named === 'base64');
  const bytes = bytesOf(value, isBase64);
  const size = asCount(attributes.get(`${key}.size`)) ?? bytes.length;
  // Base64 of exactly as many bytes as came over the wire is a body whose coding could not be undone.
  const isStillCoded = isBase64 && bytes.length === size && !truncated;
  const decoded =
    bytes.length > 0 && isCoded(headerValues(headers, 'content-encoding').join(',')) && !isStillCoded;
  return { bytes, size, truncated, ...(decoded && { decoded }) };
}

/** Files from before `.encoding` was written hold binary types in base64 and do not say so. */
function isUnmarkedBase64(value: string, contentType: string | undefined): boolean {
  if (contentType === undefined || isTextual(contentType)) return false;
  return value.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(value);
}

function bytesOf(value: unknown, isBase64: boolean): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return Buffer.from(asText(value) ?? '', isBase64 ? 'base64' : 'utf8');
}

/** OpenTelemetry also marks a complete response of status 500 as an error; that is no failure of the hop. */
function failureFrom(
  span: Span,
  attributes: Attributes,
  response: RecordedResponse | undefined,
): Failure | undefined {
  const type = firstText(attributes, 'error.type');
  const message = span.status?.message ?? '';
  if (type !== undefined) return type === String(response?.status) ? undefined : { type, message };
  const isError = span.status?.code === 2 || span.status?.code === 'STATUS_CODE_ERROR';
  return isError && response === undefined ? { type: 'error', message } : undefined;
}

/** The first of these attributes that is there and is text. */
function firstText(attributes: Attributes, ...keys: string[]): string | undefined {
  for (const key of keys) {
    const text = asText(attributes.get(key));
    if (text !== undefined) return text;
  }
  return undefined;
}
