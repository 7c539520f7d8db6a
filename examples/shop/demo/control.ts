import { send } from './http.ts';

/**
 * Calls the control API.
 *
 * @throws {Error} with the answer's own words when it is not a 200
 */
export async function control<Answer>(
  method: 'GET' | 'POST',
  controlUrl: string,
  path: string,
  json?: unknown,
): Promise<Answer> {
  const { status, body } = await send(method, `${controlUrl}${path}`, { json });
  if (status !== 200) throw new Error(`${method} ${path} answered ${status}: ${body}`);
  return JSON.parse(body.toString()) as Answer;
}

/** What `/stats` and `/close` count. */
export interface Stats {
  injectedSpans: number;
  extractedSpans: number;
  strictMisses: number;
}
