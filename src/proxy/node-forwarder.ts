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
 * methods without a body, and knows neither the asterisk-form nor `Upgrade`. A refusal would leave its connection
 * stuck, so these never reach it.
 */
export function needsNodeClient({
  head,
  method,
  target,
  isUpgrade,
}: Pick<OutgoingRequest, 'head' | 'method' | 'target' | 'isUpgrade'>): boolean {
  return (
    isUpgrade ||
    head.transferEncoding !== undefined ||
    head.expect !== undefined ||
    (head.contentLength === '0' && !METHODS_WITH_BODY.has(method)) ||
    target.pathAndQuery === '*'
  );
}

interface Agents {
  readonly http: http.Agent;
  readonly https: https.Agent;
}

/**
 * Forwards by `node:http`'s client. Upgrades, too: http-proxy-3 (as of 2.0.1), which is made for them, takes
 * WebSockets by GET only and drops the connections of all others, normalises the path, and rebuilds header sections
 * from objects, so that the case of names is lost in what the client gets, and the order of repeats both ways.
 */
export class NodeForwarder implements Forwarder {
  readonly #agents: Agents;
  /** Each upgrade has a connection of its own, which does not come back. */
  readonly #upgradeAgents: Agents;
  readonly #options: ForwarderOptions;

  constructor(connect: Connector, options: ForwarderOptions) {
    this.#options = options;
    this.#agents = createAgents(connect, {
      keepAlive: true,
      maxSockets: options.connectionsPerUpstream,
      // For idle sockets only: a socket in use has no listener for the event.
      timeout: 4000,
    });
    this.#upgradeAgents = createAgents(connect, { keepAlive: false });
  }

  forward(outgoing: OutgoingRequest, relay: Relay): void {
    try {
      this.#send(outgoing, relay);
    } catch (error) {
      relay.fail(error);
    }
  }

  #send({ target, method, head, fields, body, isUpgrade, request }: OutgoingRequest, relay: Relay): void {
    const { origin } = target;
    const agents = isUpgrade ? this.#upgradeAgents : this.#agents;
    // Else node:http would send an empty body in chunks, and its last one would be taken for the other protocol's.
    if (isUpgrade && method !== 'GET' && head.contentLength === undefined) fields.push('Content-Length', '0');
    const options: https.RequestOptions = {
      protocol: `${origin.scheme}:`,
      host: origin.hostname,
      port: origin.port,
      method,
      path: target.pathAndQuery,
      headers: fields,
      setHost: false,
      agent: agents[origin.scheme],
      // Always said: the agent would take the Host field's, and it keeps connections by this name.
      servername: origin.serverName ?? origin.hostname,
      maxHeaderSize: this.#options.maxHeaderBytes,
    };
    const upstream = http.request(options);
    const { headerTimeoutMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    let hasAnswered = false;
    upstream.on('finish', () => {
      if (hasAnswered) return;
      const late = () =>
        new ProxyError('upstream_header_timeout', `${origin.authority} sent no response header in time`);
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
    if (isUpgrade) {
      upstream.on('upgrade', (response, socket, first) => {
        hasAnswered = true;
        clearTimeout(timer);
        relay.switched(response.statusMessage ?? '', response.rawHeaders, socket, first);
      });
    }
    relay.connected({ abort: (reason) => upstream.destroy(reason), pause() {}, resume() {} });

    if (body === null || Buffer.isBuffer(body)) {
      finish(upstream, request.rawTrailers, body);
      return;
    }
    // The head goes ahead of the body: with Expect the body only comes once the upstream has said so.
    // `flushHeaders` would do the same in UTF-8.
    upstream.write('', 'latin1');
    body.on('error', (error) => upstream.destroy(error));
    body.on('end', () => finish(upstream, request.rawTrailers, null));
    body.on('close', () => {
      // Given up half-way: the upstream must not wait for the rest.
      if (!body.readableEnded) upstream.destroy();
    });
    body.pipe(upstream, { end: false });
  }

  async close(): Promise<void> {
    for (const agents of [this.#agents, this.#upgradeAgents]) {
      agents.http.destroy();
      agents.https.destroy();
    }
  }
}

function finish(upstream: http.ClientRequest, trailers: readonly string[], body: Buffer | null): void {
  if (trailers.length > 0) upstream.addTrailers(fieldPairs(trailers));
  if (body === null || body.length === 0) upstream.end();
  else upstream.end(body);
}

function createAgents(connect: Connector, options: http.AgentOptions): Agents {
  return {
    http: Object.assign(new http.Agent(options), { createConnection: connectionBy(connect, 'http:') }),
    https: Object.assign(new https.Agent(options), { createConnection: connectionBy(connect, 'https:') }),
  };
}

/** An agent's way to open connections, through the connector that everything uses. */
function connectionBy(connect: Connector, protocol: 'http:' | 'https:') {
  return (
    options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null => {
    const { servername } = options;
    const upstream = { hostname: String(options.host), protocol, port: String(options.port) };
    connect({ ...upstream, ...(servername !== undefined && { servername }) }, (error, socket) => {
      // The agent looks at the error first; with one there is no socket.
      callback?.(error, socket as Duplex);
    });
    return null;
  };
}
