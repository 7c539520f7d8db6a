import { plain } from '../rows/row.ts';
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

/** What a TLS client says first, in short: nothing that could be taken for HTTP. */
export const BLIND_BYTES = '\x16\x03\x01 hello';

/** Asks for a tunnel; where it is opened, something that is not HTTP goes through it. */
export async function connectThrough(
  egress: string,
  origin: ScriptedOrigin,
  lines: readonly string[],
): Promise<Call> {
  using client = await RawClient.connect(egress);
  const { authority } = origin;
  await client.write([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, ...lines, '', ''].join('\r\n'));
  const answer = await client.readResponse('CONNECT');
  if (answer.status !== 200) return { answer, seen: undefined };
  const seen = origin.next(plain('through the tunnel'));
  await client.write(`${BLIND_BYTES}\r\n\r\n`);
  await client.readResponse();
  return { answer, seen: await seen };
}

/** Credentials as a client makes them of the user name in its proxy's URL (RFC 7617). */
export function proxyCredentials(user: string, password = ''): string {
  return `Proxy-Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
