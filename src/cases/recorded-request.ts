import { isUtf8 } from 'node:buffer';
import { isJson } from './body.ts';
import { spansOf } from './case-spans.ts';
import { ContentCodingError, encodeContent } from './content-coding.ts';
import { headerNoise } from './diff/noise.ts';
import type { CaseDocument } from './documents.generated.ts';
import type { Exchange, RawHeaders } from './exchange.ts';
import { headerOctets, headerValue, headerValues, recordedHeaders } from './headers.ts';
import type { SkippedHop } from './rules-from-case.ts';
import type { ReplaySecrets } from './secrets/replay-secrets.ts';
import { exchangeFromSpan } from './span-reader.ts';
import { urlWithoutUserinfo } from './url.ts';

/** A recorded request that a replay can send again, with its recorded answer. */
export interface InboundRequest {
  /** From 1, in the order in which the requests started, as `inspect case` counts. */
  readonly index: number;
  readonly exchange: Exchange;
}

/** The inbound requests of a case, in the order in which they started. */
export interface InboundRequests {
  readonly requests: readonly InboundRequest[];
  /** Those that cannot be sent again, or have no answer to compare with. */
  readonly skipped: readonly SkippedHop[];
  /** How many calls to the world the case has. */
  readonly outboundCount: number;
}

/** The requests with which a test has driven the service when a case was recorded. */
export function inboundRequests(document: CaseDocument): InboundRequests {
  const exchanges = Array.from(spansOf(document), ({ span, resource }) => exchangeFromSpan(span, resource))
    // Sorting is stable: what started at the same time stays in the order of the file.
    .sort((left, right) => left.startTime - right.startTime);
  const outboundSpans = new Set(
    exchanges.filter(({ hop }) => hop.direction === 'outbound').map(({ trace }) => trace.spanId),
  );
  const requests: InboundRequest[] = [];
  const skipped: SkippedHop[] = [];
  for (const [position, exchange] of exchanges.entries()) {
    const { hop, trace } = exchange;
    // Lookups that a proxy made, which some recordings contain, are no hops.
    if (hop.direction !== 'inbound' || hop.attributes?.get('sp.span.type') === 'inject') continue;
    const index = position + 1;
    const isCaused = trace.parentSpanId !== undefined && outboundSpans.has(trace.parentSpanId);
    const reason = isCaused ? 'it was a call of another service and not of the test' : whyNotSent(exchange);
    if (reason === undefined) requests.push({ index, exchange });
    else skipped.push({ index, request: requestLine(exchange), reason });
  }
  return { requests, skipped, outboundCount: outboundSpans.size };
}

function whyNotSent({ response, failure, outcome, requestBody, hop }: Exchange): string | undefined {
  if (outcome !== 'forward') return 'the proxy answered it when it was recorded, and not the service';
  if (response === undefined) return `it has no recorded answer (${failure?.type ?? 'none came'})`;
  if (response.status === 101 || hop.method === 'CONNECT') {
    return 'the connection was upgraded to another protocol: what went through it was not recorded';
  }
  if (failure !== undefined) return `its answer broke off when it was recorded (${failure.type})`;
  if (requestBody.truncated) {
    const kept = `${requestBody.bytes.length} of ${requestBody.size} bytes`;
    return `only ${kept} of its body were recorded; record with a higher --max-recorded-body`;
  }
  return undefined;
}

function requestLine({ hop: { method, scheme, host, path, query } }: Exchange): string {
  const target = query === undefined ? path : `${path}?${query}`;
  return `${method} ${urlWithoutUserinfo(`${scheme}://${host}${target}`)}`;
}

/** A request, ready to be sent. */
export interface RequestToSend {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Undefined where it was not recorded. */
  readonly host: string | undefined;
  /** All fields but the host, the framing among them. */
  readonly headers: RawHeaders;
  readonly body: Uint8Array;
  readonly trailers: RawHeaders;
  /** Hidden in the recording, and not known: `authorization`, `cookie NAME`, `the body`, `the URL`. */
  readonly missing: readonly string[];
}

/**
 * The request of a recorded exchange as it was, and to the host that it named: services build URLs from that. Left
 * out are the fields of the connection, of the recorded session and of its trace. The body gets its content coding
 * again.
 *
 * @param given values by lower-case name, in the place of recorded ones
 */
export function requestToSend(
  exchange: Exchange,
  secrets: ReplaySecrets,
  given: ReadonlyMap<string, string>,
): RequestToSend {
  const { hop, requestBody, requestTrailers } = exchange;
  const missing = new Set<string>();
  const fields: string[] = [];
  for (const [name, values] of recordedHeaders(hop.headers)) {
    if (NOT_SENT.has(name) || isOfRecording(name, values, hop.sessionId)) continue;
    const givenValue = given.get(name);
    if (givenValue !== undefined) {
      fields.push(name, headerOctets(givenValue));
      continue;
    }
    for (const recorded of values) {
      const filled = secrets.fillHeader(name, recorded);
      for (const part of filled.missing) missing.add(part);
      const value = name === 'baggage' ? withoutSession(filled.value ?? '') : filled.value;
      if (value !== undefined && (value !== '' || recorded === '')) fields.push(name, headerOctets(value));
    }
  }
  const target = secrets.fill(hop.query === undefined ? hop.path : `${hop.path}?${hop.query}`);
  if (!target.isWhole) missing.add('the URL');
  const body = bodyToSend(exchange, secrets);
  if (!body.isWhole) missing.add('the body');
  const trailers = [...recordedHeaders(requestTrailers)].flatMap(([name, values]) =>
    values.flatMap((value) => [name, value]),
  );
  const isFramed = requestBody.size > 0 || headerValue(hop.headers, 'content-length') !== undefined;
  if (trailers.length > 0) fields.push('transfer-encoding', 'chunked');
  else if (isFramed) fields.push('content-length', String(body.bytes.length));
  return {
    method: hop.method,
    target: target.text,
    host: given.get('host') ?? (headerValue(hop.headers, 'host') || hop.host || undefined),
    headers: fields,
    body: body.bytes,
    trailers,
    missing: [...missing],
  };
}

/** Framing and flow of the message, which are new with each sending; and the host, which stands apart. */
const NOT_SENT: ReadonlySet<string> = new Set(['host', 'content-length', 'expect', 'trailer']);

const OLDER_SESSION_NAMES: ReadonlySet<string> = new Set([
  'x-sp-session-id',
  'sp_session_id',
  'x-session-id',
]);

/** The session and the trace of the recording; a service may have an `x-session-id` of its own. */
function isOfRecording(lowerName: string, values: readonly string[], sessionId: string): boolean {
  if (lowerName.startsWith('x-softprobe-') || headerNoise(lowerName) === 'trace') return true;
  return OLDER_SESSION_NAMES.has(lowerName) && values.every((value) => value === sessionId);
}

function withoutSession(baggage: string): string {
  const members = baggage.split(',');
  return members.filter((member) => !/^\s*x-softprobe-session-id\s*=/.test(member)).join(',');
}

function bodyToSend(
  { hop, requestBody }: Exchange,
  secrets: ReplaySecrets,
): { bytes: Uint8Array; isWhole: boolean } {
  const { bytes, isWhole } = filledBody(requestBody.bytes, secrets, headerValue(hop.headers, 'content-type'));
  if (requestBody.decoded !== true) return { bytes, isWhole };
  try {
    return { bytes: encodeContent(bytes, headerValues(hop.headers, 'content-encoding').join(',')), isWhole };
  } catch (error) {
    if (error instanceof ContentCodingError) return { bytes, isWhole };
    throw error;
  }
}

function filledBody(
  bytes: Uint8Array,
  secrets: ReplaySecrets,
  contentType = '',
): { bytes: Uint8Array; isWhole: boolean } {
  const recorded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!recorded.includes('[redacted:') || !isUtf8(recorded)) return { bytes, isWhole: true };
  const { text, isWhole } = secrets.fill(recorded.toString('utf8'), escapeFor(contentType));
  return { bytes: Buffer.from(text, 'utf8'), isWhole };
}

function escapeFor(contentType: string): (value: string) => string {
  if (isJson(contentType)) return (value) => JSON.stringify(value).slice(1, -1);
  if (isForm(contentType)) return encodeURIComponent;
  return (value) => value;
}

function isForm(contentType: string): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(contentType);
}
