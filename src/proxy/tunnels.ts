import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Runtime } from '../runtime/index.ts';
import { type BlindTunnels, TunnelRefusedError, type WantedTunnel } from './blind-tunnels.ts';
import { CarriedConnection } from './carried-connection.ts';
import { layersOf, resetConnection } from './connection-layers.ts';
import type { Correlator } from './correlate.ts';
import { describeUpstreamFailure, ProxyError } from './errors.ts';
import { readFirstBytes } from './first-bytes.ts';
import type { Interception, TlsClient } from './interception.ts';
import { readRequestHead } from './request-head.ts';
import { rawErrorResponse, rawPreparedResponse } from './respond.ts';
import { parseOrigin, throughTls } from './target.ts';
import type { TunnelContext } from './tunnel-context.ts';

export interface TunnelsOptions {
  readonly correlator: Correlator;
  readonly runtime: Runtime;
  readonly blind: BlindTunnels;
  /** Looks into TLS; undefined: TLS passes untouched. */
  readonly interception: Interception | undefined;
  /** Milliseconds until a client must have said what it speaks. */
  readonly firstBytesTimeoutMs: number;
  /** Takes over a tunnel in which the client speaks plain HTTP. */
  readonly serve: (connection: CarriedConnection) => void;
}

const NOTHING = Buffer.alloc(0);

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n';

/** Where TLS leads that was redirected to the listener: all that is left of it is the name that was asked for. */
const HTTPS_PORT = 443;

/**
 * Tunnels and TLS inside one another. A client that reaches its proxy through TLS has three or four; whoever goes on
 * would have each byte pass through all of them, deeper than the stack is.
 */
const MAX_LAYERS = 16;

/** Our own name, for a client that begins TLS with the listener and names nobody. */
const OWN_ADDRESS = '127.0.0.1';

/**
 * The tunnels of CONNECT (RFC 9110 section 9.3.6), and TLS that arrives without one. What the client speaks
 * decides: HTTP is served like any other, since some clients (Node's fetch is one) open a tunnel for every URL, and
 * so is HTTP inside TLS that is intercepted; each of their requests is decided for itself. Anything else passes
 * blindly, where the session that the CONNECT belongs to lets it out.
 */
export class Tunnels {
  readonly #options: TunnelsOptions;
  readonly #open = new Set<Duplex>();

  constructor(options: TunnelsOptions) {
    this.#options = options;
  }

  /**
   * A client asked for a tunnel.
   *
   * @param head what it has sent already behind its request
   */
  async open(request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
    this.#keep(client);
    try {
      refuseDepth(client);
      const wanted = this.#identify(client, request.url ?? '', request.httpVersion, request.rawHeaders);
      // Who is not to be looked at hears at once whether its upstream can be reached.
      if (this.#options.interception?.passes(wanted.origin.hostname)) {
        const opened = await this.#options.blind.open(wanted);
        client.write(ESTABLISHED);
        opened.join(head);
      } else {
        client.write(ESTABLISHED);
        void this.#look(wanted, head, request.headers['user-agent']);
      }
    } catch (error) {
      end(client, answerTo(error));
    }
  }

  /**
   * A client began TLS with the listener itself: it was redirected here (iptables), or reaches its proxy through TLS.
   * What it says inside tells which.
   *
   * @param client with its first bytes still to be read
   */
  async takeTls(client: CarriedConnection): Promise<void> {
    this.#keep(client);
    try {
      refuseDepth(client);
      await this.#lookAtTls(client);
    } catch (error) {
      // There is no answer that a client could read before TLS stands.
      resetConnection(client);
      if (!(error instanceof ProxyError)) throw error;
    }
  }

  /** @throws {ProxyError} `invalid_target` for a server name that is none */
  async #lookAtTls(client: CarriedConnection): Promise<void> {
    const { interception, firstBytesTimeoutMs: timeoutMs } = this.#options;
    const first = await readFirstBytes(client, NOTHING, { timeoutMs });
    if (client.destroyed || first.kind !== 'tls') {
      client.destroy();
      return;
    }
    const { bytes, hello } = first;
    const { serverName } = hello;
    if (interception?.canServe(hello) && !interception.passes(serverName ?? OWN_ADDRESS)) {
      const tunnel = {
        scheme: 'https',
        origin: undefined,
        serverName,
        proxyAuthorization: undefined,
      } as const;
      this.#intercept({
        connection: client,
        bytes,
        host: serverName ?? OWN_ADDRESS,
        tunnel,
        userAgent: undefined,
      });
    } else if (serverName === undefined) {
      client.destroy();
    } else {
      await this.#pass(this.#identify(client, `${serverName}:${HTTPS_PORT}`, '', []), bytes);
    }
  }

  /** @throws {ProxyError} `invalid_target` */
  #identify(client: Duplex, authority: string, httpVersion: string, fields: readonly string[]): WantedTunnel {
    const { correlator, runtime } = this.#options;
    if (!/:\d+$/.test(authority)) {
      throw new ProxyError('invalid_target', 'CONNECT needs host:port (RFC 9110 section 9.3.6)');
    }
    const origin = parseOrigin('http', authority);
    const requestHead = readRequestHead(fields, 'outbound');
    const session = correlator.find(requestHead);
    if (session === undefined && requestHead.namesUnknownSession) runtime.countUnknownSession('outbound');
    return { client, authority, origin, httpVersion, fields, requestHead, session };
  }

  /** Nothing may leave before it is known whether what is inside can be answered here: the client speaks first. */
  async #look(wanted: WantedTunnel, head: Buffer, userAgent: string | undefined): Promise<void> {
    const { blind, interception, serve, firstBytesTimeoutMs: timeoutMs } = this.#options;
    const { client, origin } = wanted;
    let early: Socket | undefined;
    const reachServer = async () => {
      if (this.#mayReachEarly(wanted)) early = await blind.connect(origin).catch(() => undefined);
      return early;
    };
    const first = await readFirstBytes(client, head, { timeoutMs, reachServer });
    if (client.destroyed) {
      early?.destroy();
      return;
    }
    if (first.kind === 'nothing') {
      blind.noteSilence(wanted);
      early?.destroy();
      client.destroy();
      return;
    }
    const { bytes } = first;
    const { proxyAuthorization } = wanted.requestHead;
    if (first.kind === 'http') {
      early?.destroy();
      const tunnel: TunnelContext = { scheme: 'http', origin, serverName: undefined, proxyAuthorization };
      serve(new CarriedConnection(client, bytes, { tunnel }));
      return;
    }
    if (first.kind === 'tls' && interception?.canServe(first.hello)) {
      const { serverName } = first.hello;
      const host = serverName ?? origin.hostname;
      if (!interception.passes(host)) {
        early?.destroy();
        const tunnel = {
          scheme: 'https',
          origin: throughTls(origin, serverName),
          serverName,
          proxyAuthorization,
        } as const;
        this.#intercept({ connection: client, bytes, host, tunnel, userAgent });
        return;
      }
    }
    await this.#pass(wanted, bytes, early);
  }

  #intercept(client: TlsClient): void {
    void this.#options.interception?.take(client);
  }

  /** Once a tunnel stands there is no way left to say why it ends: only its recording tells. */
  async #pass(wanted: WantedTunnel, bytes: Buffer, reached?: Socket): Promise<void> {
    try {
      (await this.#options.blind.open(wanted, reached)).join(bytes);
    } catch {
      reached?.destroy();
      resetConnection(wanted.client);
    }
  }

  /** Whether the server may be reached before the client has said anything: no session stands against it. */
  #mayReachEarly({ authority }: WantedTunnel): boolean {
    const { runtime } = this.#options;
    return !runtime.hasOpenSessions() || runtime.letsTunnelOut(authority);
  }

  #keep(client: Duplex): void {
    client.on('error', () => client.destroy());
    this.#open.add(client);
    client.once('close', () => this.#open.delete(client));
  }

  /** Breaks all tunnels off. */
  close(): void {
    for (const client of this.#open) client.destroy();
  }
}

/** @throws {ProxyError} `loop_detected` */
function refuseDepth(client: Duplex): void {
  if (layersOf(client) < MAX_LAYERS) return;
  throw new ProxyError(
    'loop_detected',
    `this connection is inside ${MAX_LAYERS} tunnels and TLS connections`,
  );
}

function answerTo(error: unknown): string {
  if (error instanceof TunnelRefusedError) return rawPreparedResponse(error.response);
  return rawErrorResponse(describeUpstreamFailure(error, 'the target'));
}

function end(client: Duplex, response: string): void {
  if (client.writable) client.end(response, 'latin1', () => client.destroy());
}
