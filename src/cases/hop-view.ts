import { ContentCodingError, decodeContent } from './content-coding.ts';
import type { Hop } from './exchange.ts';
import { headerValues } from './headers.ts';

/**
 * Most bytes that a request body may decode to before a rule looks at it. Bodies are read up to 10 MiB; a
 * small body that blows up to more than this is an attack.
 */
const MAX_DECODED_BODY = 16 * 1024 * 1024;

/** Parsed once a hop, however many rules look; gone with the hop. */
const queries = new WeakMap<Hop, URLSearchParams>();
const jsonBodies = new WeakMap<Hop, { readonly value: unknown } | undefined>();

/** The query's parameters, decoded as HTML forms encode them (`+` is a space). */
export function queryOf(hop: Hop): URLSearchParams {
  let query = queries.get(hop);
  if (query === undefined) {
    query = new URLSearchParams(hop.query ?? '');
    queries.set(hop, query);
  }
  return query;
}

/**
 * The request body as JSON, content codings undone. Undefined where it was not read, did not fit into
 * memory, cannot be decoded or is not JSON. Ask only once `hop.body` is set.
 */
export function jsonBodyOf(hop: Hop): { readonly value: unknown } | undefined {
  if (!(hop.body instanceof Uint8Array)) return undefined;
  if (!jsonBodies.has(hop)) jsonBodies.set(hop, parseJson(decodedBody(hop.body, hop)));
  return jsonBodies.get(hop);
}

/** The body without its content codings; as it came where they cannot be undone. */
export function decodedBody(body: Uint8Array, hop: Hop): Uint8Array {
  const codings = headerValues(hop.headers, 'content-encoding');
  if (codings.length === 0 || body.length === 0) return body;
  try {
    return decodeContent(body, codings.join(', '), MAX_DECODED_BODY);
  } catch (error) {
    if (!(error instanceof ContentCodingError)) throw error;
    // A hop that came by the OTLP API carries its body decoded, and the header of the coded one.
    return body;
  }
}

function parseJson(bytes: Uint8Array): { readonly value: unknown } | undefined {
  if (bytes.length === 0) return undefined;
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
