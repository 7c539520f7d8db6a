import type { Hop } from '../../src/cases/index.ts';

/** An outbound request with everything a predicate can ask for, changed where the test needs it. */
export function exampleHop(
  changes: Partial<Omit<Hop, 'body'>> & { body?: string | Uint8Array | null } = {},
): Hop {
  const { body, ...fields } = changes;
  const hop: Hop = {
    direction: 'outbound',
    sessionId: 'sess_example',
    service: 'shop',
    method: 'POST',
    scheme: 'https',
    host: 'api.example.com',
    path: '/v1/charges',
    query: 'expand=customer&limit=10',
    headers: ['Content-Type', 'application/json', 'X-Tenant', 'blue', 'X-Tag', 'a', 'x-tag', 'b'],
    ...fields,
  };
  if (body !== undefined) hop.body = typeof body === 'string' ? Buffer.from(body) : body;
  return hop;
}
