import {
  boolAttribute,
  fieldAttribute,
  intAttribute,
  REQUEST_HEADER,
  REQUEST_TRAILER,
  RESPONSE_HEADER,
  RESPONSE_TRAILER,
  SESSION_ATTRIBUTION,
  stringAttribute,
} from './attribute.ts';
import { bodyAttribute } from './body.ts';
import type { KeyValue, Span, TracesData } from './documents.generated.ts';
import type { Exchange, Hop, RawHeaders, RecordedBody } from './exchange.ts';
import { recordedHeaders } from './headers.ts';
import { Redactor } from './redaction.ts';
import { nanosecondsOf } from './span-time.ts';
import { urlWithoutUserinfo } from './url.ts';

/** Span kinds of OTLP: the hop into the app is a server span, the hop out of it a client span. */
const KIND = { inbound: 2, outbound: 3 } as const;
const STATUS_CODE_ERROR = 2;

/** Hides what a rule wants hidden in a recording whose usual redaction is switched off. */
let redactorOfRules: Redactor | undefined;

/**
 * An exchange as an OTLP/JSON payload of one span (CONTRACT section 5).
 *
 * Header values are written as they are held, one character an octet, so that latin-1 survives.
 *
 * @param redactor hides secrets; without one only what the exchange itself asks for is hidden
 */
export function tracesFromExchange(exchange: Exchange, redactor?: Redactor): TracesData {
  const span = spanFromExchange(exchange);
  return {
    resourceSpans: [
      {
        resource: { attributes: [stringAttribute('service.name', exchange.hop.service)] },
        scopeSpans: [
          {
            scope: { name: 'softprobe-proxy' },
            spans: [redactorFor(exchange, redactor)?.redactSpan(span, exchange.redaction) ?? span],
          },
        ],
      },
    ],
  };
}

function redactorFor(exchange: Exchange, redactor: Redactor | undefined): Redactor | undefined {
  if (redactor !== undefined || exchange.redaction === undefined) return redactor;
  redactorOfRules ??= new Redactor({ defaults: false });
  return redactorOfRules;
}

function spanFromExchange(exchange: Exchange): Span {
  const { hop, trace, failure } = exchange;
  return {
    traceId: trace.traceId,
    spanId: trace.spanId,
    ...(trace.parentSpanId !== undefined &&
      trace.parentSpanId !== trace.spanId && { parentSpanId: trace.parentSpanId }),
    flags: trace.flags,
    name: `HTTP ${hop.method}`,
    kind: KIND[hop.direction],
    startTimeUnixNano: nanosecondsOf(exchange.startTime),
    endTimeUnixNano: nanosecondsOf(Math.max(exchange.startTime, exchange.endTime)),
    attributes: [...hopAttributes(exchange), ...requestAttributes(exchange), ...responseAttributes(exchange)],
    ...(failure !== undefined && { status: { code: STATUS_CODE_ERROR, message: failure.message } }),
  };
}

function hopAttributes({ hop, httpVersion, outcome, rule, failure }: Exchange): KeyValue[] {
  const attributes = [
    stringAttribute('sp.span.type', 'extract'),
    stringAttribute('sp.session.id', hop.sessionId),
    stringAttribute('sp.service.name', hop.service),
    stringAttribute('sp.traffic.direction', hop.direction),
  ];
  if (hop.attribution !== undefined) attributes.push(stringAttribute(SESSION_ATTRIBUTION, hop.attribution));
  if (outcome !== 'forward') attributes.push(stringAttribute('sp.outcome', outcome));
  if (rule !== undefined) attributes.push(stringAttribute('sp.rule', rule));
  if (failure !== undefined) attributes.push(stringAttribute('error.type', failure.type));
  attributes.push(...urlAttributes(hop), stringAttribute('network.protocol.version', httpVersion));
  return attributes;
}

function urlAttributes(hop: Hop): KeyValue[] {
  const host = hop.host.slice(hop.host.lastIndexOf('@') + 1);
  // The asterisk form speaks of the server as a whole: its URI has no path (RFC 9112 section 3.3).
  const path = hop.path === '*' ? '' : hop.path;
  const query = hop.query === undefined ? '' : `?${hop.query}`;
  const attributes = [
    stringAttribute('http.request.method', hop.method),
    stringAttribute('url.full', urlWithoutUserinfo(`${hop.scheme}://${host}${path}${query}`)),
    stringAttribute('url.scheme', hop.scheme),
    stringAttribute('url.host', host),
    stringAttribute('url.path', hop.path),
  ];
  if (hop.query !== undefined) attributes.push(stringAttribute('url.query', hop.query));
  return attributes;
}

function requestAttributes({ hop, requestBody, requestTrailers, failure }: Exchange): KeyValue[] {
  return [
    ...fieldAttributes(REQUEST_HEADER, hop.headers),
    ...bodyAttributes('http.request.body', requestBody, hop.headers, failure !== undefined),
    ...fieldAttributes(REQUEST_TRAILER, requestTrailers),
  ];
}

function responseAttributes({ response, failure }: Exchange): KeyValue[] {
  if (response === undefined) return [];
  return [
    intAttribute('http.response.status_code', response.status),
    ...fieldAttributes(RESPONSE_HEADER, response.headers),
    ...bodyAttributes('http.response.body', response.body, response.headers, failure !== undefined),
    ...fieldAttributes(RESPONSE_TRAILER, response.trailers),
  ];
}

function fieldAttributes(prefix: string, headers: RawHeaders): KeyValue[] {
  return Array.from(recordedHeaders(headers), ([name, values]) => fieldAttribute(prefix + name, values));
}

/** @param isBroken the hop failed, so that the end of the body may be missing though no limit cut it */
function bodyAttributes(key: string, body: RecordedBody, headers: RawHeaders, isBroken: boolean): KeyValue[] {
  const attributes: KeyValue[] = [];
  const text = bodyAttribute(body, headers, body.truncated || isBroken);
  if (text !== undefined) {
    attributes.push(stringAttribute(key, text.value));
    if (text.encoding !== undefined) attributes.push(stringAttribute(`${key}.encoding`, text.encoding));
  }
  attributes.push(intAttribute(`${key}.size`, body.size));
  if (body.truncated) attributes.push(boolAttribute(`${key}.truncated`, true));
  return attributes;
}
