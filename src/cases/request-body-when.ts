import { bodyAttribute, isJson } from './body.ts';
import type { When } from './documents.generated.ts';
import type { Exchange, Hop } from './exchange.ts';
import { headerValue } from './headers.ts';
import { jsonBodyOf } from './hop-view.ts';
import { compileJsonPath, JsonPathSyntaxError } from './json-path.ts';
import { hasPlaceholder } from './redaction.ts';

/** Predicates that a recorded request's body fulfils, and bodies that differ from it in what they say do not. */
export interface BodyWhen {
  readonly kind: 'whole' | 'partial' | 'none';
  readonly when: When;
}

/** Deepest JSON that is asked for: the control API takes documents that nest up to 500 levels. */
const MAX_DEPTH = 450;

/**
 * What a rule asks of a request's body so that it is the recorded one: JSON equal as JSON, anything else equal
 * byte for byte once content codings are undone. Of JSON in which secrets were redacted the rest is asked
 * for (`partial`); a request without a body is `none`.
 *
 * @returns undefined where no predicate can recognise the body when it comes again: it was recorded in part,
 * is redacted as a whole, or is a multipart body, whose boundary is another each time
 */
export function requestBodyWhen({ hop, requestBody }: Exchange): BodyWhen | undefined {
  if (requestBody.truncated) return undefined;
  if (requestBody.size === 0 && requestBody.bytes.length === 0) {
    return { kind: 'none', when: { traceTagEquals: { 'http.request.body.size': 0 } } };
  }
  const json = jsonBodyOf({ ...hop, body: requestBody.bytes });
  if (json !== undefined && isMeantAsJson(json.value, hop) && !isDeeper(json.value, MAX_DEPTH)) {
    return jsonWhen(json.value);
  }
  if (/^\s*multipart\//i.test(headerValue(hop.headers, 'content-type') ?? '')) return undefined;
  const text = bodyAttribute(requestBody, hop.headers);
  if (text === undefined || hasPlaceholder(text.value)) return undefined;
  return {
    kind: 'whole',
    when: {
      traceTagEquals: {
        'http.request.body': text.value,
        ...(text.encoding !== undefined && { 'http.request.body.encoding': text.encoding }),
      },
    },
  };
}

/** A text such as `1.0` is JSON by accident, unless the request says that it is. */
function isMeantAsJson(value: unknown, { headers }: Hop): boolean {
  return (typeof value === 'object' && value !== null) || isJson(headerValue(headers, 'content-type') ?? '');
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isDeeper(member, levels - 1));
}

function jsonWhen(value: unknown): BodyWhen | undefined {
  const parts = [...knownParts(value, '$')];
  const [first] = parts;
  if (first === undefined) return undefined;
  return {
    kind: first[0] === '$' ? 'whole' : 'partial',
    when: { bodyJsonPathEquals: Object.fromEntries(parts) },
  };
}

/** The largest parts of a JSON value in which nothing is redacted, each with the JSONPath to it. */
function* knownParts(value: unknown, path: string): Generator<[path: string, value: unknown]> {
  if (!hasPlaceholder(JSON.stringify(value))) {
    if (isUsablePath(path)) yield [path, value];
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    const segment = Array.isArray(value) ? `[${name}]` : `[${JSON.stringify(name)}]`;
    yield* knownParts(member, path + segment);
  }
}

/** Paths have a greatest length, and names may hold half a surrogate pair, which a path cannot. */
function isUsablePath(path: string): boolean {
  try {
    compileJsonPath(path);
    return true;
  } catch (error) {
    if (error instanceof JsonPathSyntaxError) return false;
    throw error;
  }
}
