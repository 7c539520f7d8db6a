import http from 'node:http';
import { text } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';
import { Refusal } from './json-server.ts';

/** What a dependency answered. */
export interface DependencyAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: unknown;
}

/**
 * Calls another service and reads its JSON answer. Which way the call goes is not said here: Node's own agent
 * honours `HTTP_PROXY` when `NODE_USE_ENV_PROXY=1` is set.
 *
 * @throws {Refusal} with status 502 when the service cannot be reached, does not speak JSON or fails (5xx)
 */
export async function callDependency(
  method: 'GET' | 'POST',
  url: string,
  options: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<DependencyAnswer> {
  try {
    const response = await sendRequest(method, url, options);
    const decoded =
      response.headers['content-encoding'] === 'gzip' ? response.pipe(createGunzip()) : response;
    const content = await text(decoded);
    const status = response.statusCode ?? 0;
    if (status >= 500) throw new Error(`status ${status}: ${content.trim()}`);
    return { status, headers: response.headers, body: JSON.parse(content) };
  } catch (error) {
    throw new Refusal(502, `${method} ${url} failed: ${error instanceof Error ? error.message : error}`);
  }
}

function sendRequest(
  method: string,
  url: string,
  { body, headers }: { body?: unknown; headers?: Record<string, string> },
): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const request = http.request(url, {
      method,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'gzip',
        ...(payload !== undefined && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(payload),
        }),
        ...headers,
      },
    });
    request.on('response', resolve);
    request.on('error', reject);
    request.end(payload);
  });
}
