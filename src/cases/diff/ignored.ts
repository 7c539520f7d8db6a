import { bodyAttribute } from '../body.ts';
import { withoutSelected } from '../comparable-json.ts';
import type { Exchange, RawHeaders, RecordedBody } from '../exchange.ts';
import type { JsonPath } from '../json-path.ts';

/** What is left out of a comparison. */
export interface Ignored {
  /** What they select in JSON bodies; `$` stands for the whole of any body. */
  readonly ignorePaths?: readonly JsonPath[];
  /** Lower-case names of headers and trailers, of requests and responses. */
  readonly ignoreHeaders?: readonly string[];
}

const NO_BODY: RecordedBody = { bytes: Buffer.alloc(0), size: 0, truncated: false };

/**
 * An exchange without what is ignored. A body that is no JSON, or too deep for the stack, stays as it is.
 *
 * @throws {JsonPathLimitError} when a path would have to visit too much of a body
 */
export function withoutIgnored(
  exchange: Exchange,
  { ignorePaths = [], ignoreHeaders = [] }: Ignored,
): Exchange {
  if (ignorePaths.length === 0 && ignoreHeaders.length === 0) return exchange;
  const { hop, requestBody, response } = exchange;
  const names = new Set(ignoreHeaders);
  return {
    ...exchange,
    // Bodies are read with all their headers: those say what they are.
    requestBody: bodyWithout(requestBody, hop.headers, ignorePaths),
    hop: { ...hop, headers: headersWithout(hop.headers, names) },
    response: response && {
      ...response,
      headers: headersWithout(response.headers, names),
      trailers: headersWithout(response.trailers, names),
      body: bodyWithout(response.body, response.headers, ignorePaths),
    },
  };
}

function headersWithout(headers: RawHeaders, names: ReadonlySet<string>): RawHeaders {
  if (names.size === 0) return headers;
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!names.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}

function bodyWithout(body: RecordedBody, headers: RawHeaders, paths: readonly JsonPath[]): RecordedBody {
  if (paths.length === 0) return body;
  if (paths.some(({ source }) => source.trim() === '$')) return NO_BODY;
  const text = bodyAttribute(body, headers);
  if (text === undefined || text.encoding !== undefined) return body;
  let value: unknown;
  try {
    value = JSON.parse(text.value);
  } catch {
    return body;
  }
  try {
    const kept = withoutSelected(value, paths);
    if (kept === value) return body;
    if (kept === undefined) return NO_BODY;
    const bytes = Buffer.from(JSON.stringify(kept), 'utf8');
    return { bytes, size: bytes.length, truncated: false, decoded: true };
  } catch (error) {
    if (error instanceof RangeError) return body;
    throw error;
  }
}
