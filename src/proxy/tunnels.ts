import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Hop } from '../cases/index.ts';
import type { Forward, Respond, Runtime, SessionTicket, UncorrelatedRequest } from '../runtime/index.ts';
import { CarriedConnection, type TunnelContext } from './carried-connection.ts';
import type { Connector } from './connector.ts';
import type { Correlator } from './correlate.ts';
import { describeUpstreamFailure, ProxyError } from './errors.ts';
import { readFirstBytes } from './first-bytes.ts';
import { readRequestHead } from './request-head.ts';
import { rawErrorResponse, rawPreparedResponse } from './respond.ts';
import { type Origin, parseOrigin } from './target.ts';

export interface TunnelsOptions {
  readonly connect: Connector;
  readonly correlator: Correlator;
  readonly runtime: Runtime;
  readonly serviceName: string;
  /** Takes over a tunnel in which the client speaks plain HTTP. */
  readonly serve: (connection: CarriedConnection) => void;
}

/** CONNECT has no body, and predicates on one must not wait for it. */
const NO_BODY = Buffer.alloc(0);

/**
 * The tunnels of CONNECT (RFC 9110 section 9.3.6). Plain HTTP inside one is served like any other, since some
 * clients (Node's fetch is one) open a tunnel for every URL. Anything else passes blindly: bytes both ways,
 * untouched, and each direction ends on its own, so that a half-closed connection stays one.
 */
export class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #open = new Set<Duplex>();

  constructor(options: TunnelsOptions) {
    this.#options = options;
  }

  /** @param head what the client has sent already behind its request */
  open(request: IncomingMessage, client: Duplex, head: Buffer): void {
    client.on('error', () => client.destroy());
    try {
      const { url: authority = '' } = request;
      const origin = parseTunnelTarget(authority);
      const made = this.#decide(request, authority);
      if ('session' in made && made.decision.kind === 'respond') {
        end(client, rawPreparedResponse(made.decision.response));
        return;
      }
      const { 'proxy-authorization': proxyAuthorization } = request.headers;
      void this.#carry({ client, head, made, context: { origin, proxyAuthorization } });
    } catch (error) {
      end(client, rawErrorResponse(describeUpstreamFailure(error, 'the target')));
    }
  }

  /** What the session of a CONNECT says to it, or that it has none. */
  #decide(request: IncomingMessage, authority: string): SessionTunnel | UncorrelatedRequest {
    const { correlator, runtime, serviceName } = this.#options;
    const head = readRequestHead(request.rawHeaders, 'outbound');
    const session = correlator.find(head);
    if (session === undefined) {
      if (head.namesUnknownSession) runtime.countUnknownSession('outbound');
      return {
        method: 'CONNECT',
        host: authority,
        path: '',
        hadTraceparent: head.traceparent !== undefined,
        namedUnknownSession: head.namesUnknownSession,
      };
    }
    const hop: Hop = {
      direction: 'outbound',
      sessionId: session.id,
      service: serviceName,
      method: 'CONNECT',
      scheme: 'https',
      host: authority,
      path: '',
      query: undefined,
      headers: request.rawHeaders,
      body: NO_BODY,
      attribution: head.attribution,
    };
    return { session, hop, decision: runtime.decideTunnel(session, hop) };
  }

  /** Bytes are about to leave that nobody looks at. */
  #count(made: SessionTunnel | UncorrelatedRequest): void {
    const { runtime } = this.#options;
    if (!('session' in made)) runtime.noteUncorrelated(made);
    else if (made.decision.kind === 'forward') runtime.countTunnel(made.session, made.hop, made.decision);
  }

  /**
   * Where a session is open, the tunnel may hold requests of it that a rule answers, and nothing may leave before
   * that is known: the client has to speak first. Else the upstream is reached first, so that a client hears why
   * it cannot be.
   */
  async #carry(tunnel: Tunnel): Promise<void> {
    const { client, context } = tunnel;
    const { authority } = context.origin;
    try {
      const mayBeAnswered = this.#options.runtime.hasOpenSessions();
      const early = mayBeAnswered ? undefined : await this.#connect(context.origin);
      this.#open.add(client);
      client.once('close', () => {
        this.#open.delete(client);
        early?.destroy();
      });
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      const { bytes, isHttp } = await readFirstBytes(client, tunnel.head, early);
      if (client.destroyed) return;
      if (isHttp) {
        early?.destroy();
        this.#options.serve(new CarriedConnection(client, bytes, { tunnel: context }));
      } else {
        this.#count(tunnel.made);
        join(client, early ?? (await this.#connect(context.origin)), bytes);
      }
    } catch (error) {
      // Once the tunnel stands there is no way left to say why it ends.
      if (this.#open.has(client)) client.destroy();
      else end(client, rawErrorResponse(describeUpstreamFailure(error, authority)));
    }
  }

  #connect({ hostname, port }: Origin): Promise<Socket> {
    return new Promise((resolve, reject) => {
      this.#options.connect({ hostname, protocol: 'http:', port: String(port) }, (error, upstream) => {
        if (error === null && upstream instanceof Socket) resolve(upstream);
        else reject(error);
      });
    });
  }

  /** Breaks all tunnels off. */
  close(): void {
    for (const client of this.#open) client.destroy();
  }
}

/** A tunnel that a client has asked for. */
interface Tunnel {
  readonly client: Duplex;
  /** What the client has sent already behind its request. */
  readonly head: Buffer;
  readonly made: SessionTunnel | UncorrelatedRequest;
  readonly context: TunnelContext;
}

/** A tunnel of a session. */
interface SessionTunnel {
  readonly session: SessionTicket;
  readonly hop: Hop;
  readonly decision: Forward | Respond;
}

function join(client: Duplex, upstream: Socket, first: Buffer): void {
  if (client.destroyed) {
    upstream.destroy();
    return;
  }
  if (first.length > 0) upstream.write(first);
  client.pipe(upstream);
  upstream.pipe(client);
  upstream.on('error', () => client.destroy());
  upstream.on('close', () => {
    // What the upstream sent last is still on its way to the client; only a failure cuts it short.
    if (upstream.errored !== null) client.destroy();
  });
  client.on('close', () => upstream.destroy());
  // It may have gone already, while the client's first bytes were awaited.
  if (upstream.destroyed) client.destroy();
  else if (upstream.readableEnded) client.end();
}

/** @throws {ProxyError} `invalid_target` */
function parseTunnelTarget(authority: string): Origin {
  if (!/:\d+$/.test(authority)) {
    throw new ProxyError('invalid_target', 'CONNECT needs host:port (RFC 9110 section 9.3.6)');
  }
  return parseOrigin('http', authority);
}

function end(client: Duplex, response: string): void {
  if (client.writable) client.end(response, 'latin1', () => client.destroy());
}
