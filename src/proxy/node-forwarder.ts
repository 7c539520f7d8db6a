import * as http from 'node:http';
import * as https from 'node:https';
import type { Duplex } from 'node:stream';
import type { Connector } from './connector.ts';
import { ProxyError } from './errors.ts';
import { fieldPairs } from './field-pairs.ts';
import type { Forwarder, ForwarderOptions, OutgoingRequest } from './forwarder.ts';
import type { Relay } from './relay.ts';

/** Methods for which undici sends `content-length: 0` when there is no body. */
const METHODS_WITH_BODY = new Set(['POST', 'PUT', 'PATCH', 'PROPFIND', 'PROPPATCH', 'QUERY']);

/**
 * Whether a request is one of the few that undici (tried with 8.12) cannot carry as it came: it refuses
 * `Expect`, sends no request trailers (which only a chunked body can have), leaves `content-length: 0` out for
 * methods without a body, and knows no asterisk-form. A refusal would leave its connection stuck, so these
 * never reach it.
 */
export function needsNodeClient({
  head,
  method,
  target,
}: Pick<OutgoingRequest, 'head' | 'method' | 'target'>): boolean {
  return (
    head.transferEncoding !== undefined ||
    head.expect !== undefined ||
    (head.contentLength === '0' && !METHODS_WITH_BODY.has(method)) ||
    target.pathAndQuery === '*'
  );
}

/** Forwards by `node:http`'s client. */
export class NodeForwarder implements Forwarder {
  readonly #agents: { http: http.Agent; https: https.Agent };
  readonly #options: ForwarderOptions;

  constructor(connect: Connector, options: ForwarderOptions) {
    this.#options = options;
    const agentOptions = {
      keepAlive: true,
      maxSockets: options.connectionsPerUpstream,
      // For idle sockets only: a socket in use has no listener for the event.
      timeout: 4000,
    };
    this.#agents = {
      http: Object.assign(new http.Agent(agentOptions), { createConnection: connectionBy(connect, 'http:') }),
      https: Object.assign(new https.Agent(agentOptions), {
        createConnection: connectionBy(connect, 'https:'),
      }),
    };
  }

  forward(outgoing: OutgoingRequest, relay: Relay): void {
    try {
      this.#send(outgoing, relay);
    } catch (error) {
      relay.fail(error);
    }
  }

  #send({ target, method, fields, body, request }: OutgoingRequest, relay: Relay): void {
    const { origin } = target;
    const upstream = http.request({
      protocol: `${origin.scheme}:`,
      host: origin.hostname,
      port: origin.port,
      method,
      path: target.pathAndQuery,
      headers: fields,
      setHost: false,
      agent: this.#agents[origin.scheme],
      maxHeaderSize: this.#options.maxHeaderBytes,
    });
    const { headerTimeoutMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    let hasAnswered = false;
    upstream.on('finish', () => {
      if (hasAnswered) return;
      const late = () =>
        new ProxyError('upstream_header_timeout', `${target.host} sent no response header in time`);
      timer = setTimeout(() => upstream.destroy(late()), headerTimeoutMs);
    });
    upstream.on('error', (error) => {
      clearTimeout(timer);
      relay.fail(error);
    });
    upstream.on('information', (info) =>
      relay.information(info.statusCode, info.statusMessage, info.rawHeaders),
    );
    upstream.on('response', (response) => {
      hasAnswered = true;
      clearTimeout(timer);
      relay.connected({
        abort: (reason) => upstream.destroy(reason),
        pause: () => response.pause(),
        resume: () => response.resume(),
      });
      response.on('data', (chunk: Buffer) => relay.data(chunk));
      response.on('end', () => relay.end(response.rawTrailers));
      response.on('error', (error) => relay.fail(error));
      relay.head(response.statusCode ?? 0, response.statusMessage ?? '', response.rawHeaders);
    });
    relay.connected({ abort: (reason) => upstream.destroy(reason), pause() {}, resume() {} });

    // The head goes ahead of the body: with Expect the body only comes once the upstream has said so.
    upstream.flushHeaders();
    if (body === null || Buffer.isBuffer(body)) {
      finish(upstream, request.rawTrailers, body);
      return;
    }
    body.on('error', (error) => upstream.destroy(error));
    body.on('end', () => finish(upstream, request.rawTrailers, null));
    body.on('close', () => {
      // Given up half-way: the upstream must not wait for the rest.
      if (!body.readableEnded) upstream.destroy();
    });
    body.pipe(upstream, { end: false });
  }

  async close(): Promise<void> {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }
}

function finish(upstream: http.ClientRequest, trailers: readonly string[], body: Buffer | null): void {
  if (trailers.length > 0) upstream.addTrailers(fieldPairs(trailers));
  if (body === null || body.length === 0) upstream.end();
  else upstream.end(body);
}

/** An agent's way to open connections, through the connector that everything uses. */
function connectionBy(connect: Connector, protocol: 'http:' | 'https:') {
  return (
    options: http.ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null => {
    const hostname = String(options.host);
    connect({ hostname, host: hostname, protocol, port: String(options.port) }, (error, socket) => {
      // The agent looks at the error first; with one there is no socket.
      callback?.(error, socket as Duplex);
    });
    return null;
  };
}
