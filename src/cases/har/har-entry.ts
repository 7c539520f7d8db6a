import type { Content, Cookie, Entry, PostData } from 'har-format';
import { type BodyText, bodyAttribute } from '../body.ts';
import type { HarBody, HarHop } from '../documents.generated.ts';
import type { Exchange, RawHeaders, RecordedBody } from '../exchange.ts';
import { headerValue, headerValues, recordedHeaders } from '../headers.ts';

/**
 * An exchange as an entry of an HTTP Archive (HAR 1.2). What HAR has no place for is in `_softprobe`: custom
 * fields begin with an underscore and are passed over by those who do not know them.
 *
 * @param trace its place in the case
 */
export function harEntry(exchange: Exchange, trace: number): Entry {
  const { hop, response, failure } = exchange;
  const isBroken = failure !== undefined;
  const requestBody = bodyAttribute(
    exchange.requestBody,
    hop.headers,
    exchange.requestBody.truncated || isBroken,
  );
  const query = hop.query === undefined ? '' : `?${hop.query}`;
  const path = hop.path === '*' ? '' : hop.path;
  const duration = Math.max(0, exchange.endTime - exchange.startTime);
  const postData = postDataOf(requestBody, hop.headers);
  return {
    startedDateTime: new Date(exchange.startTime).toISOString(),
    time: duration,
    request: {
      method: hop.method,
      url: `${hop.scheme}://${hop.host}${path}${query}`,
      httpVersion: `HTTP/${exchange.httpVersion}`,
      cookies: cookiesSent(hop.headers),
      headers: fieldsOf(hop.headers),
      queryString: Array.from(new URLSearchParams(hop.query ?? ''), ([name, value]) => ({ name, value })),
      ...(postData !== undefined && { postData }),
      headersSize: -1,
      bodySize: exchange.requestBody.size,
    },
    response: {
      // As browsers write it for a request that nobody answered.
      status: response?.status ?? 0,
      statusText: response?.reason ?? '',
      httpVersion: response === undefined ? '' : `HTTP/${response.httpVersion}`,
      cookies: response === undefined ? [] : cookiesSet(response.headers),
      headers: fieldsOf(response?.headers ?? []),
      content: contentOf(response?.body, response?.headers ?? [], isBroken),
      redirectURL: headerValue(response?.headers ?? [], 'location') ?? '',
      headersSize: -1,
      bodySize: response?.body.size ?? -1,
      ...(failure !== undefined && { _error: failure.type }),
    },
    cache: {},
    // Nobody has measured the phases; those that HAR demands add up to the whole.
    timings: { blocked: -1, dns: -1, connect: -1, ssl: -1, send: 0, wait: duration, receive: 0 },
    _softprobe: hopOf(exchange, trace, requestBody),
  };
}

/** All of an exchange that no other field of the entry tells. */
function hopOf(exchange: Exchange, trace: number, requestBody: BodyText | undefined): HarHop {
  const { hop, response, failure } = exchange;
  return {
    trace,
    direction: hop.direction,
    service: hop.service,
    sessionId: hop.sessionId,
    ...(hop.attribution !== undefined && { attribution: hop.attribution }),
    outcome: exchange.outcome,
    ...(exchange.rule !== undefined && { rule: exchange.rule }),
    traceId: exchange.trace.traceId,
    spanId: exchange.trace.spanId,
    ...(exchange.trace.parentSpanId !== undefined && { parentSpanId: exchange.trace.parentSpanId }),
    flags: exchange.trace.flags,
    startTime: exchange.startTime,
    endTime: exchange.endTime,
    ...(failure !== undefined && { failure: { type: failure.type, message: failure.message } }),
    requestBody: { ...sizeOf(exchange.requestBody), ...(requestBody?.encoding && { encoding: 'base64' }) },
    ...(response !== undefined && { responseBody: sizeOf(response.body) }),
    ...(exchange.requestTrailers.length > 0 && { requestTrailers: fieldsOf(exchange.requestTrailers) }),
    ...(response !== undefined &&
      response.trailers.length > 0 && { responseTrailers: fieldsOf(response.trailers) }),
  };
}

function sizeOf({ size, truncated }: RecordedBody): HarBody {
  return { size, ...(truncated && { truncated }) };
}

function fieldsOf(headers: RawHeaders): { name: string; value: string }[] {
  return Array.from(recordedHeaders(headers), ([name, values]) =>
    values.map((value) => ({ name, value })),
  ).flat();
}

/** HAR has no encoding for what was sent: binary bodies are in base64, and `_softprobe` says so. */
function postDataOf(body: BodyText | undefined, headers: RawHeaders): PostData | undefined {
  if (body === undefined) return undefined;
  return { mimeType: headerValue(headers, 'content-type') ?? '', text: body.value };
}

function contentOf(body: RecordedBody | undefined, headers: RawHeaders, isBroken: boolean): Content {
  const mimeType = headerValue(headers, 'content-type') ?? '';
  if (body === undefined) return { size: 0, mimeType: mimeType || 'x-unknown' };
  const text = bodyAttribute(body, headers, body.truncated || isBroken);
  if (text === undefined) return { size: 0, mimeType };
  const size = Buffer.byteLength(text.value, text.encoding ?? 'utf8');
  return {
    size,
    // What the content coding saved.
    ...(size > body.size && { compression: size - body.size }),
    mimeType,
    text: text.value,
    ...(text.encoding !== undefined && { encoding: text.encoding }),
  };
}

function cookiesSent(headers: RawHeaders): Cookie[] {
  return headerValues(headers, 'cookie').flatMap((value) =>
    value.split(';').flatMap((pair) => cookieOf(pair) ?? []),
  );
}

function cookiesSet(headers: RawHeaders): Cookie[] {
  return headerValues(headers, 'set-cookie').flatMap((value) => {
    const [pair = '', ...attributes] = value.split(';');
    const cookie = cookieOf(pair);
    if (cookie === undefined) return [];
    const settings = new Map(
      attributes.map((attribute) => {
        const [name = '', ...rest] = attribute.split('=');
        return [name.trim().toLowerCase(), rest.join('=').trim()];
      }),
    );
    const expires = Date.parse(settings.get('expires') ?? '');
    const path = settings.get('path');
    const domain = settings.get('domain');
    return [
      {
        ...cookie,
        ...(path !== undefined && { path }),
        ...(domain !== undefined && { domain }),
        ...(Number.isFinite(expires) && { expires: new Date(expires).toISOString() }),
        httpOnly: settings.has('httponly'),
        secure: settings.has('secure'),
      },
    ];
  });
}

function cookieOf(pair: string): Cookie | undefined {
  const mark = pair.indexOf('=');
  if (pair.trim() === '') return undefined;
  return { name: pair.slice(0, Math.max(0, mark)).trim(), value: pair.slice(mark + 1).trim() };
}
