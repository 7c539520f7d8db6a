import { createHash } from 'node:crypto';
import type {
  HarBody,
  HarCookie,
  HarEntry,
  HarField,
  HarPostData,
  HarResponse,
} from '../documents.generated.ts';
import type {
  Attribution,
  Direction,
  Exchange,
  Failure,
  Hop,
  Outcome,
  RecordedBody,
  RecordedResponse,
} from '../exchange.ts';
import { headerOctets, headerValue, headerValues } from '../headers.ts';
import { ATTRIBUTIONS, OUTCOMES } from '../span-reader.ts';
import { isValidTraceparent, traceIdOf } from '../traceparent.ts';
import { splitUrl } from '../url.ts';

/** An entry that is no HTTP exchange, and why. */
export interface SkippedEntry {
  readonly reason: string;
}

/**
 * The exchange that an entry of an HTTP Archive tells, as far as it does: archives of browsers lack bodies that were
 * not kept, and write -1 for what they do not know.
 *
 * @param direction of those that do not say theirs
 */
export function exchangeFromEntry(entry: HarEntry, direction: Direction): Exchange | SkippedEntry {
  const url = splitUrl(entry.request.url);
  if (url === undefined) return { reason: `its URL is not http or https: ${shortened(entry.request.url)}` };
  const told = entry._softprobe;
  const headers = requestHeaders(entry);
  const requestBody = requestBodyOf(
    entry.request.postData,
    headers,
    entry.request.bodySize,
    told?.requestBody,
  );
  const started = Date.parse(entry.startedDateTime ?? '');
  const startTime = told?.startTime ?? (Number.isFinite(started) ? started : 0);
  const response = responseOf(entry.response, told?.responseBody);
  const trace = told ?? traceOf(entry, headers);
  if (response !== undefined) response.trailers = flat(told?.responseTrailers ?? []);
  const attribution = ATTRIBUTIONS.find((known: Attribution) => known === told?.attribution);
  const hop: Hop = {
    direction: told?.direction ?? direction,
    sessionId: told?.sessionId ?? '',
    service: told?.service ?? '',
    method: entry.request.method,
    ...url,
    // The server as a whole has no path in a URL (RFC 9112 section 3.2.4).
    ...(entry.request.method === 'OPTIONS' && isWithoutPath(entry.request.url) && told && { path: '*' }),
    headers,
    body: requestBody.truncated ? null : requestBody.bytes,
    traceId: trace.traceId,
    ...(attribution !== undefined && { attribution }),
  };
  return {
    hop,
    trace: {
      traceId: trace.traceId,
      spanId: trace.spanId,
      parentSpanId: trace.parentSpanId,
      flags: told?.flags ?? 0,
    },
    startTime,
    endTime: told?.endTime ?? startTime + Math.max(0, entry.time ?? 0),
    httpVersion: versionOf(entry.request.httpVersion ?? ''),
    requestBody,
    requestTrailers: flat(told?.requestTrailers ?? []),
    response,
    failure: failureOf(entry, response),
    outcome: OUTCOMES.find((known: Outcome) => known === told?.outcome) ?? 'forward',
    rule: told?.rule,
    redaction: undefined,
  };
}

function isWithoutPath(url: string): boolean {
  return /^https?:\/\/[^/?#]*$/i.test(url);
}

function shortened(url: string): string {
  return url.length <= 60 ? url : `${url.slice(0, 60)}…`;
}

/**
 * Header fields as a flat list. The pseudo-header fields of HTTP/2 and 3, which browsers list among them, are told
 * by method and URL; of those only the authority is wanted, as `host`.
 */
function requestHeaders({ request, _softprobe: told }: HarEntry): string[] {
  const headers = flat(request.headers ?? []);
  if (told !== undefined) return headers;
  const authority = request.headers?.find(({ name }) => name.toLowerCase() === ':authority')?.value;
  if (authority !== undefined && headerValue(headers, 'host') === undefined)
    headers.unshift('host', authority);
  // Archives that were cleaned of secrets keep cookies in neither place, others in only one.
  if (headerValue(headers, 'cookie') === undefined && (request.cookies ?? []).length > 0) {
    const pairs = (request.cookies ?? []).map(({ name, value }) => `${name}=${value ?? ''}`);
    headers.push('cookie', headerOctets(pairs.join('; ')));
  }
  return headers;
}

function flat(fields: readonly HarField[]): string[] {
  return (
    fields
      .filter(({ name }) => name !== '' && !name.startsWith(':'))
      // Browsers join the values of a repeated field, `set-cookie` mostly, by line feeds.
      .flatMap(({ name, value }) => value.split(/\r?\n/).flatMap((line) => [name, headerOctets(line)]))
  );
}

/** `HTTP/1.1`, `http/2.0`, `h2`, `h3` as `1.1`, `2`, `2`, `3`; browsers leave it empty for what they had already. */
function versionOf(named: string): string {
  const [, version] = /^h(?:ttp\/)?(\d(?:\.\d)?)$/i.exec(named.trim()) ?? [];
  return version?.replace(/^([23])\.0$/, '$1') ?? '1.1';
}

function requestBodyOf(
  postData: HarPostData | undefined,
  headers: readonly string[],
  bodySize: number | null | undefined,
  told: HarBody | undefined,
): RecordedBody {
  const isBase64 = (told?.encoding ?? postData?.encoding) === 'base64';
  const bytes = Buffer.from(postText(postData), isBase64 ? 'base64' : 'utf8');
  return recordedBody(bytes, headers, told ?? { size: known(bodySize) ?? bytes.length });
}

/** Forms may be told by their parameters alone; of those with files not enough is told. */
function postText(postData: HarPostData | undefined): string {
  if (postData?.text !== undefined) return postData.text;
  if (postData?.params === undefined || /^multipart\//i.test(postData.mimeType ?? '')) return '';
  return postData.params
    .map(({ name, value }) => (value === undefined ? name : `${name}=${value}`))
    .join('&');
}

function responseOf(response: HarResponse, told: HarBody | undefined): RecordedResponse | undefined {
  if (!Number.isInteger(response.status) || response.status < 100) return undefined;
  const headers = flat(response.headers ?? []);
  const { content } = response;
  if (told === undefined && headerValues(headers, 'set-cookie').length === 0) {
    for (const cookie of response.cookies ?? []) headers.push('set-cookie', setCookie(cookie));
  }
  const type = content?.mimeType ?? '';
  if (
    told === undefined &&
    headerValue(headers, 'content-type') === undefined &&
    /^[\w.+-]+\/[\w.+-]/.test(type)
  ) {
    headers.push('content-type', headerOctets(type));
  }
  const bytes = Buffer.from(content?.text ?? '', content?.encoding === 'base64' ? 'base64' : 'utf8');
  // A browser that did not keep a body still says how large it was.
  const decodedSize = known(content?.size) ?? 0;
  const isMissing = bytes.length === 0 && decodedSize > 0;
  const size =
    known(response.bodySize) ?? Math.max(0, (decodedSize || bytes.length) - (content?.compression ?? 0));
  return {
    status: response.status,
    reason: '',
    httpVersion: versionOf(response.httpVersion ?? ''),
    headers,
    trailers: [],
    body: recordedBody(bytes, headers, told ?? { size, ...(isMissing && { truncated: true }) }),
  };
}

/** Sizes are whole and not negative; -1 says that one is not known. */
function known(size: number | null | undefined): number | undefined {
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : undefined;
}

/** Bodies are told without their content coding, which the headers still name. */
function recordedBody(
  bytes: Uint8Array,
  headers: readonly string[],
  { size, truncated }: HarBody,
): RecordedBody {
  const isCoded = headerValue(headers, 'content-encoding') !== undefined && bytes.length > 0;
  // Where the size says nothing new, such as 0 for what came from a cache, the bytes do.
  return {
    bytes,
    size: size === 0 ? bytes.length : size,
    truncated: truncated ?? false,
    ...(isCoded && { decoded: true }),
  };
}

function setCookie({ name, value, path, domain, expires, httpOnly, secure }: HarCookie): string {
  const date = Date.parse(expires ?? '');
  const parts = [
    `${name}=${value ?? ''}`,
    path && `Path=${path}`,
    domain && `Domain=${domain}`,
    Number.isFinite(date) && `Expires=${new Date(date).toUTCString()}`,
    httpOnly === true && 'HttpOnly',
    secure === true && 'Secure',
  ];
  return headerOctets(parts.filter(Boolean).join('; '));
}

function failureOf(entry: HarEntry, response: RecordedResponse | undefined): Failure | undefined {
  if (entry._softprobe !== undefined) return entry._softprobe.failure;
  const error = entry.response._error;
  if (error) return { type: error, message: `the browser says ${error}` };
  return response === undefined ? { type: 'no_response', message: 'the archive has no response' } : undefined;
}

interface TraceIds {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string | undefined;
}

/** The ids that the request carried; else ids made from what it was, so that two imports of a file are the same. */
function traceOf(entry: HarEntry, headers: readonly string[]): TraceIds {
  const { startedDateTime, request } = entry;
  const digest = createHash('sha256')
    .update(
      JSON.stringify([startedDateTime, request.method, request.url, request.postData?.text, entry.time]),
    )
    .digest('hex');
  const spanId = digest.slice(32, 48);
  const traceparent = headerValue(headers, 'traceparent');
  if (traceparent === undefined || !isValidTraceparent(traceparent)) {
    return { traceId: digest.slice(0, 32), spanId };
  }
  return { traceId: traceIdOf(traceparent), spanId };
}
