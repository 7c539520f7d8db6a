import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from 'node:http';

/** A call of the control API, ready to be sent. */
export interface HttpCall {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** Aborted when the time is up. */
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** Sends a call and reads the whole answer. Rejects where none came. */
export type Transport = (call: HttpCall) => Promise<HttpAnswer>;

/** As much of `fetch` as the client needs. */
export type FetchLike = (
  url: string,
  init: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly signal: AbortSignal;
  },
) => Promise<{ readonly status: number; text(): Promise<string> }>;

export function fetchTransport(fetch: FetchLike): Transport {
  return async ({ method, url, headers, body, signal }) => {
    const init = { method, headers: { ...headers }, ...(body !== undefined && { body }), signal };
    const response = await fetch(url, init);
    return { status: response.status, text: await response.text() };
  };
}

/**
 * Sends by `node:http` with an agent of its own. In a test that runs with HTTP_PROXY and NODE_USE_ENV_PROXY, as a
 * service under test does, the global `fetch` would send control calls through the proxy that they control. A
 * connection serves one call: they are rare, and a kept one may be closed by the runtime just when it is used again.
 */
export const nodeTransport: Transport = async ({ method, url, headers, body, signal }) => {
  const { protocol } = new URL(url);
  const options: RequestOptions = {
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
    signal,
  };
  const request =
    protocol === 'https:' ? await httpsRequest(url, options) : httpRequest(url, { ...options, agent });
  return new Promise((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
      });
    });
    request.end(body);
  });
};

const agent = new HttpAgent({ keepAlive: false });

/** TLS takes a while to load, and the runtime is mostly on this machine. */
async function httpsRequest(url: string, options: RequestOptions) {
  const { Agent, request } = await import('node:https');
  return request(url, { ...options, agent: new Agent({ keepAlive: false }) });
}
