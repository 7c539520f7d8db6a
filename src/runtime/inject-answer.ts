import {
  bodyAttribute,
  ContentCodingError,
  decodeContent,
  fieldAttribute,
  headerValues,
  intAttribute,
  type KeyValue,
  recordedHeaders,
  type Span,
  stringAttribute,
  type TracesData,
} from '../cases/index.ts';
import type { PreparedResponse } from './decision.ts';

/**
 * A rule's answer as OTLP (CONTRACT section 4): the caller's span, with the response in its attributes and the
 * status code first.
 *
 * Bodies in spans are decoded, so `content-encoding` is left out where it was undone; and so is
 * `content-length`, which the proxy that sends the response counts itself.
 */
export function injectAnswer(span: Span, response: PreparedResponse, revision: number): TracesData {
  const { body, isDecoded } = decodedBody(response);
  const attributes: KeyValue[] = [intAttribute('http.response.status_code', response.status)];
  for (const [name, values] of recordedHeaders(response.headers)) {
    if (name === 'content-length' || (isDecoded && name === 'content-encoding')) continue;
    attributes.push(fieldAttribute(`http.response.header.${name}`, values));
  }
  const recorded = { bytes: body, size: body.length, truncated: false, decoded: true };
  const text = bodyAttribute(recorded, response.headers);
  if (text !== undefined) {
    attributes.push(stringAttribute('http.response.body', text.value));
    if (text.encoding !== undefined)
      attributes.push(stringAttribute('http.response.body.encoding', text.encoding));
  }
  attributes.push(stringAttribute('sp.span.type', 'inject'), intAttribute('sp.session.revision', revision));
  const { traceId, spanId, name = 'HTTP' } = span;
  const answer: Span = { ...(traceId && { traceId }), ...(spanId && { spanId }), name, attributes };
  return { resourceSpans: [{ scopeSpans: [{ spans: [answer] }] }] };
}

function decodedBody({ headers, body }: PreparedResponse): { body: Uint8Array; isDecoded: boolean } {
  const codings = headerValues(headers, 'content-encoding').join(',');
  if (codings === '') return { body, isDecoded: false };
  try {
    return { body: decodeContent(body, codings), isDecoded: true };
  } catch (error) {
    if (!(error instanceof ContentCodingError)) throw error;
    // The rule's author wanted bytes that are not what the header says: they get them.
    return { body, isDecoded: false };
  }
}
