import {
  bodyAttribute,
  type Exchange,
  headerValues,
  type RawHeaders,
  type RecordedBody,
} from '../../cases/index.ts';
import { visible } from '../table.ts';
import type { HopSummary } from './hop-summary.ts';

/** One message of a hop in full. */
interface MessageDetail {
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  readonly trailers: readonly { readonly name: string; readonly value: string }[];
  /** Content codings undone; null where none was recorded. */
  readonly body: string | null;
  readonly bodyEncoding: 'base64' | null;
  /** Bytes on the wire. */
  readonly bodySize: number;
  readonly bodyTruncated: boolean;
}

/** A hop in full: `hop` in JSON. */
export interface HopDetail extends HopSummary {
  /** ISO 8601. */
  readonly startTime: string;
  readonly httpVersion: string;
  readonly service: string;
  readonly parentSpanId: string | null;
  readonly failureMessage: string | null;
  readonly request: MessageDetail;
  readonly response: MessageDetail | null;
}

/** Everything that was recorded of a hop. */
export function detailHop(exchange: Exchange, summary: HopSummary): HopDetail {
  const { hop, response, failure } = exchange;
  const isBroken = failure !== undefined;
  return {
    ...summary,
    startTime: new Date(exchange.startTime).toISOString(),
    httpVersion: exchange.httpVersion,
    service: hop.service,
    parentSpanId: exchange.trace.parentSpanId ?? null,
    failureMessage: failure?.message ?? null,
    request: detailMessage(hop.headers, exchange.requestTrailers, exchange.requestBody, isBroken),
    response:
      response === undefined
        ? null
        : detailMessage(response.headers, response.trailers, response.body, isBroken),
  };
}

function detailMessage(
  headers: RawHeaders,
  trailers: RawHeaders,
  body: RecordedBody,
  isBroken: boolean,
): MessageDetail {
  const text = bodyAttribute(body, headers, body.truncated || isBroken);
  return {
    headers: pairs(headers),
    trailers: pairs(trailers),
    body: text?.value ?? null,
    bodyEncoding: text?.encoding ?? null,
    bodySize: body.size,
    bodyTruncated: body.truncated,
  };
}

function pairs(headers: RawHeaders): { name: string; value: string }[] {
  return headers.flatMap((name, at) => (at % 2 === 0 ? [{ name, value: headers[at + 1] ?? '' }] : []));
}

/** A hop in full, for people: as the messages are on the wire, JSON bodies indented. */
export function hopDetailText(hop: HopDetail): string {
  const tied = hop.attribution === null ? '' : `, tied by ${hop.attribution}`;
  const rule = hop.rule === null ? '' : ` by rule ${hop.rule}`;
  const parent = hop.parentSpanId === null ? '' : `, parent ${hop.parentSpanId}`;
  const failure = hop.failure === null ? [] : [`failed: ${hop.failure} ${hop.failureMessage}`];
  const response =
    hop.response === null
      ? ['no response']
      : [`HTTP/${hop.httpVersion} ${hop.status}`, ...messageLines(hop.response)];
  const lines = [
    `hop ${hop.index}: ${hop.direction}, ${hop.outcome}${rule}${tied}`,
    `${hop.startTime}, ${hop.durationMs} ms${hop.service === '' ? '' : `, service ${hop.service}`}`,
    `trace ${hop.traceId}, span ${hop.spanId}${parent}`,
    ...failure,
    '',
    `${hop.method} ${hop.url} HTTP/${hop.httpVersion}`,
    ...messageLines(hop.request),
    '',
    ...response,
  ];
  return lines.map(visible).join('\n');
}

function messageLines(message: MessageDetail): string[] {
  const { headers, trailers, bodySize, bodyTruncated } = message;
  const cut = bodyTruncated ? [`(cut: ${bodySize} bytes came)`] : [];
  const body = bodyText(message);
  return [
    ...headers.map(({ name, value }) => `${name}: ${value}`),
    ...(body === '' ? [] : ['', ...body.split('\n')]),
    ...cut,
    ...(trailers.length > 0 ? ['', 'trailers:'] : []),
    ...trailers.map(({ name, value }) => `${name}: ${value}`),
  ];
}

function bodyText({ body, bodyEncoding, headers }: MessageDetail): string {
  if (body === null) return '';
  if (bodyEncoding !== null) return `(base64) ${body}`;
  const type = headerValues(
    headers.flatMap(({ name, value }) => [name, value]),
    'content-type',
  ).join();
  if (!/json/i.test(type) && !/^\s*[[{]/.test(body)) return body;
  try {
    return JSON.stringify(JSON.parse(body), undefined, 2);
  } catch {
    return body;
  }
}
