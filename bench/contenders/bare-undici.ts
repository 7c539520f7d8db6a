/**
 * The leanest correct proxy that we know on undici: raw header lists copied, hop-by-hop fields dropped,
 * backpressure and abort both ways, and nothing else. What ours adds is measured against this.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, type Dispatcher } from 'undici';
import { listen, upstreamUrl } from './listen.ts';

const origin = upstreamUrl();
const agent = new Agent({ connections: 128, pipelining: 1 });

/** RFC 9110 section 7.6.1, without the fields that a `Connection` header may name besides. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** One pass over a raw list; undici's are bytes (latin-1, RFC 9110 section 5.5), node's are strings already. */
function copyEndToEnd(raw: readonly (string | Buffer)[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = readField(raw[index]);
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, readField(raw[index + 1]));
  }
  return kept;
}

function readField(field: string | Buffer = ''): string {
  return typeof field === 'string' ? field : field.toString('latin1');
}

class Passage implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  #controller: Dispatcher.DispatchController | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.on('close', () => {
      if (!response.writableFinished) this.#controller?.abort(new Error('the client went away'));
    });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#response.destroyed) controller.abort(new Error('the client went away'));
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: object,
    reason = '',
  ): void {
    const { rawHeaders } = controller;
    if (!Array.isArray(rawHeaders)) throw new Error('undici gave no raw header list');
    this.#response.writeHead(status, reason, copyEndToEnd(rawHeaders));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return;
    controller.pause();
    this.#response.once('drain', () => controller.resume());
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    if (this.#response.headersSent) {
      this.#response.destroy();
      return;
    }
    this.#response.writeHead(502).end();
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

listen(
  createServer((request, response) => {
    agent.dispatch(
      {
        origin,
        path: request.url ?? '/',
        method: request.method ?? 'GET',
        headers: copyEndToEnd(request.rawHeaders),
        body: hasBody(request) ? request : null,
      },
      new Passage(response),
    );
  }),
);
