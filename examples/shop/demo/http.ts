import http from 'node:http';
import { buffer } from 'node:stream/consumers';

/** A response as it was on the wire. */
export interface Received {
  status: number;
  /** `[name, value, name, value, …]` */
  rawHeaders: string[];
  body: Buffer;
}

/** One of its own: the agent that Node.js brings along may follow proxy settings of the environment. */
const agent = new http.Agent({ keepAlive: true });

/** Sends a request and reads its answer; nothing is decoded. */
export function send(
  method: string,
  url: string,
  options: { headers?: Record<string, string>; json?: unknown } = {},
): Promise<Received> {
  const payload = options.json === undefined ? undefined : JSON.stringify(options.json);
  const headers = {
    ...options.headers,
    ...(payload !== undefined && { 'content-type': 'application/json' }),
  };
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers, agent });
    request.on('error', reject);
    request.on('response', (response) => {
      buffer(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, rawHeaders: response.rawHeaders, body }),
        reject,
      );
    });
    request.end(payload);
  });
}

/** Lets go of connections that are kept open. */
export function closeConnections(): void {
  agent.destroy();
}
