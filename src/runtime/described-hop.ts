import {
  type Hop,
  type HopDescription,
  headerOctets,
  InvalidDocumentError,
  isValidTraceparent,
  splitUrl,
  traceIdOf,
} from '../cases/index.ts';

/**
 * The hop that somebody describes, as the proxy would have made it of the real request.
 *
 * @param description fits its schema
 * @throws {InvalidDocumentError} where the URL is not an absolute http(s) one
 */
export function hopFromDescription(
  { direction, method, url, headers = {}, body }: HopDescription,
  { sessionId, service }: Pick<Hop, 'sessionId' | 'service'>,
): Hop {
  const parts = splitUrl(url);
  if (parts === undefined || parts.host === '') {
    const message = `expected an absolute URL such as http://api.example.com/orders?id=7, got ${JSON.stringify(url.slice(0, 100))}`;
    throw new InvalidDocumentError('hop', [{ pointer: '/url', message }]);
  }
  const fields = new Map<string, string[]>();
  for (const [name, value] of Object.entries(headers)) {
    const values = [value].flat().map(headerOctets);
    fields.set(name.toLowerCase(), [...(fields.get(name.toLowerCase()) ?? []), ...values]);
  }
  if (!fields.has('host')) fields.set('host', [parts.host]);
  const isJson = body !== undefined && typeof body !== 'string';
  if (isJson && !fields.has('content-type')) fields.set('content-type', ['application/json']);
  const traceId = traceOf(fields.get('traceparent') ?? []);
  return {
    direction,
    sessionId,
    service,
    method,
    ...parts,
    headers: [...fields].flatMap(([name, values]) => values.flatMap((value) => [name, value])),
    body: Buffer.from(isJson ? JSON.stringify(body) : (body ?? '')),
    ...(traceId !== undefined && { traceId }),
  };
}

function traceOf([traceparent = '', ...more]: readonly string[]): string | undefined {
  return more.length === 0 && isValidTraceparent(traceparent) ? traceIdOf(traceparent) : undefined;
}
