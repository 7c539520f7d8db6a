/** What the three processes of this example share: a small JSON-over-HTTP server on node:http. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** What a route answers; `cookies` become one Set-Cookie line each. */
export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
  cookies?: string[];
}

/** A request as routes see it. */
export interface Call {
  method: string;
  path: string;
  query: URLSearchParams;
  cookies: ReadonlyMap<string, string>;
  headers: IncomingMessage['headers'];
  /** The parsed JSON body; undefined where there is none. */
  body: unknown;
}

/** Refuses a request with a status and a message for the caller. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const MAX_BODY = 64 * 1024;

/**
 * Listens on 127.0.0.1 at the port named by the environment variable `PORT` (any free one without it), prints
 * one line that says where, and ends on SIGTERM.
 */
export function serveJson(name: string, route: (call: Call) => Answer | Promise<Answer>): void {
  const server = createServer((request, response) => {
    answerCall(request, response, route).catch((error: unknown) => {
      console.error(`${name}: ${String(error)}`);
      response.destroy();
    });
  });
  server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    console.log(`${name} listens on http://127.0.0.1:${port}`);
  });
  process.once('SIGTERM', () => {
    server.close();
    server.closeAllConnections();
  });
}

async function answerCall(
  request: IncomingMessage,
  response: ServerResponse,
  route: (call: Call) => Answer | Promise<Answer>,
): Promise<void> {
  let answer: Answer;
  try {
    const url = new URL(request.url ?? '/', 'http://localhost');
    answer = await route({
      method: request.method ?? 'GET',
      path: url.pathname,
      query: url.searchParams,
      cookies: parseCookies(request.headers.cookie ?? ''),
      headers: request.headers,
      body: await readJson(request),
    });
  } catch (error) {
    const status = error instanceof Refusal ? error.status : 500;
    answer = { status, body: { error: error instanceof Error ? error.message : String(error) } };
  }
  send(response, answer, /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? '')));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Refusal(413, `a body has at most ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}

function send(response: ServerResponse, answer: Answer, acceptsGzip: boolean): void {
  const text = Buffer.from(`${JSON.stringify(answer.body)}\n`);
  const body = acceptsGzip ? gzipSync(text) : text;
  response.writeHead(answer.status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': body.length,
    vary: 'accept-encoding',
    ...(acceptsGzip && { 'content-encoding': 'gzip' }),
    ...(answer.cookies && { 'set-cookie': answer.cookies }),
    ...answer.headers,
  });
  response.end(body);
}

function parseCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header.split(';')) {
    const at = pair.indexOf('=');
    if (at > 0) cookies.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
  }
  return cookies;
}
