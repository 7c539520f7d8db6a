import assert from 'node:assert/strict';
import { plain } from '../rows/row.ts';
import { EndedEarly } from './byte-source.ts';
import type { Request, Response } from './http-message.ts';
import { RawClient } from './raw-client.ts';
import type { ScriptedOrigin } from './scripted-origin.ts';

/** What became of a call: the answer that the app got, and the request at the origin if it came there. */
export interface Call {
  readonly answer: Response;
  readonly seen: Request | undefined;
}

/**
 * A call of an app through the egress listener: GET with the given header lines, on a connection of its own.
 *
 * @param lines header lines; one char a byte
 */
export async function callThrough(
  egress: string,
  origin: ScriptedOrigin,
  lines: readonly string[],
  path = '/value',
): Promise<Call> {
  const before = origin.seen.length;
  // Where the proxy answers by itself no request comes: `clear` rejects this.
  const seen = origin.next(plain('real')).catch(() => undefined);
  const answer = await getThrough(egress, `${origin.url}${path}`, lines);
  if (origin.seen.length === before) origin.clear();
  return { answer, seen: await seen };
}

/** GET of an absolute URL through the egress listener. */
export async function getThrough(egress: string, url: string, lines: readonly string[]): Promise<Response> {
  using client = await RawClient.connect(egress);
  const head = [`GET ${url} HTTP/1.1`, `Host: ${new URL(url).host}`, ...lines];
  await client.write(`${head.join('\r\n')}\r\n\r\n`);
  return await client.readResponse();
}

/** What a client says first that speaks neither HTTP nor TLS: nobody can look into it. */
export const BLIND_BYTES = '\x01 hello';

/**
 * Asks for a tunnel, which is granted at once, and sends something through it that is neither HTTP nor TLS. Where
 * that is not let out the connection ends, and nothing was seen.
 */
export async function connectThrough(
  egress: string,
  origin: ScriptedOrigin,
  lines: readonly string[],
): Promise<Call> {
  using client = await RawClient.connect(egress);
  const { authority } = origin;
  await client.write([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...lines, '', ''].join('\r\n'));
  const answer = await client.readResponse('CONNECT');
  assert.equal(answer.status, 200);
  const seen = origin.next(plain('through the tunnel')).catch(() => undefined);
  await client.write(`${BLIND_BYTES}\r\n\r\n`);
  try {
    await client.readResponse();
  } catch (error) {
    if (!(error instanceof EndedEarly)) throw error;
    origin.clear();
  }
  return { answer, seen: await seen };
}

/** Credentials as a client makes them of the user name in its proxy's URL (RFC 7617). */
export function proxyCredentials(user: string, password = ''): string {
  return `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
