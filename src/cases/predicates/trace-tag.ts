import { bodyAttribute } from '../body.ts';
import type { SpanAttributes } from '../documents.generated.ts';
import type { Hop } from '../exchange.ts';
import { recordedHeaders } from '../headers.ts';
import { pointerTo } from '../issue-list.ts';
import { isSecretHeader } from '../secret-header.ts';
import { COST, NEARNESS, type Predicate } from './definition.ts';

type TagValue = SpanAttributes[string];

const REQUEST_HEADER = 'http.request.header.';
const REQUEST_BODY = 'http.request.body';

/**
 * One entry of `traceTags` or `traceTagEquals` (both ask the same): a span attribute has this value. Where
 * the hop's span has several values for it, a single expected one must be among them.
 */
export function tagIs(key: 'traceTags' | 'traceTagEquals', attribute: string, expected: TagValue): Predicate {
  const readsBody = attribute === REQUEST_BODY || attribute.startsWith(`${REQUEST_BODY}.`);
  return {
    key,
    pointer: pointerTo(key, attribute),
    expected,
    cost: readsBody ? COST.body : COST.headers,
    readsBody,
    matches: (hop) => tagEquals(attributeOf(hop, attribute), expected),
    actual: (hop) => attributeOf(hop, attribute),
    isSecret: attribute.startsWith(REQUEST_HEADER) && isSecretHeader(attribute.slice(REQUEST_HEADER.length)),
    nearness: (hop) => (attributeOf(hop, attribute) === undefined ? 0 : NEARNESS.otherValue),
    hint: (hop) =>
      attributeOf(hop, attribute) === undefined ? `the hop has no attribute ${attribute}` : undefined,
  };
}

function tagEquals(actual: unknown, expected: TagValue): boolean {
  if (!Array.isArray(expected)) {
    return Array.isArray(actual)
      ? actual.some((value) => scalarEquals(value, expected))
      : scalarEquals(actual, expected);
  }
  const values = Array.isArray(actual) ? actual : [actual];
  return (
    values.length === expected.length && expected.every((value, index) => scalarEquals(values[index], value))
  );
}

/** OTLP integers have 64 bits, so that a reader may hold them as bigint. */
function scalarEquals(actual: unknown, expected: string | number | boolean): boolean {
  return actual === expected || (typeof actual === 'bigint' && Number(actual) === expected);
}

/**
 * A span attribute of the hop: of the span that described it where there was one, else what its span would
 * say (CONTRACT section 5), so that a rule decides alike for hops of this process and of the OTLP API.
 */
function attributeOf(hop: Hop, attribute: string): unknown {
  return hop.attributes?.get(attribute) ?? derivedAttribute(hop, attribute);
}

function derivedAttribute(hop: Hop, attribute: string): unknown {
  switch (attribute) {
    case 'sp.span.type':
      return 'inject';
    case 'sp.session.id':
      return hop.sessionId;
    case 'sp.service.name':
    case 'service.name':
      return hop.service;
    case 'sp.traffic.direction':
      return hop.direction;
    case 'http.request.method':
      return hop.method;
    case 'url.full':
      return `${hop.scheme}://${hop.host}${hop.path}${hop.query === undefined ? '' : `?${hop.query}`}`;
    case 'url.scheme':
      return hop.scheme;
    case 'url.host':
      return hop.host;
    case 'url.path':
      return hop.path;
    case 'url.query':
      return hop.query;
    case REQUEST_BODY:
      return bodyText(hop)?.value;
    case `${REQUEST_BODY}.encoding`:
      return bodyText(hop)?.encoding;
    case `${REQUEST_BODY}.size`:
      return hop.body?.length;
  }
  if (!attribute.startsWith(REQUEST_HEADER)) return undefined;
  const lines = recordedHeaders(hop.headers).get(attribute.slice(REQUEST_HEADER.length));
  return lines !== undefined && lines.length > 1 ? lines : lines?.[0];
}

function bodyText(hop: Hop): ReturnType<typeof bodyAttribute> {
  if (!(hop.body instanceof Uint8Array)) return undefined;
  return bodyAttribute({ bytes: hop.body, size: hop.body.length, truncated: false }, hop.headers);
}
