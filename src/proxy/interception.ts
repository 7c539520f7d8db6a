import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';
import type { Logger } from 'pino';
import { AuthorityError, type LeafContexts } from '../authority/index.ts';
import type { ClientHello } from './client-hello.ts';
import { peerOf } from './connection-layers.ts';
import { InterceptedConnection } from './intercepted-connection.ts';
import type { TunnelContext } from './tunnel-context.ts';
import type { UntrustingClients } from './untrusting-clients.ts';

export interface InterceptionSettings {
  /** Our certificates. */
  readonly contexts: LeafContexts;
  readonly untrusting: UntrustingClients;
  /** Hosts that pass untouched, with all that is below them in the DNS; lower case. */
  readonly passthroughHosts: readonly string[];
  /** Milliseconds for a TLS handshake. */
  readonly handshakeTimeoutMs: number;
  readonly logger: Logger | undefined;
  /** Takes over a connection whose TLS stands. */
  readonly serve: (connection: InterceptedConnection) => void;
}

/** A client that has begun TLS. */
export interface TlsClient {
  readonly connection: Duplex;
  /** All that was read of it. */
  readonly bytes: Buffer;
  /** The host that our certificate has to be for. */
  readonly host: string;
  /** Where requests inside go. */
  readonly tunnel: TunnelContext;
  /** What the client calls itself, where it did: the User-Agent of its CONNECT. */
  readonly userAgent: string | undefined;
}

/**
 * Looks into TLS: answers a client's handshake with a certificate for the host that it wants, and serves what it
 * says inside like any other connection.
 */
export class Interception {
  readonly #settings: InterceptionSettings;
  /** Connections whose handshake is under way. */
  readonly #open = new Set<Duplex>();
  #isClosing = false;

  constructor(settings: InterceptionSettings) {
    this.#settings = settings;
  }

  /** Whether a host is to pass untouched, whatever its clients speak. */
  passes(host: string): boolean {
    const { passthroughHosts, untrusting } = this.#settings;
    // A dot at the end only says that the name is whole.
    const name = host.endsWith('.') ? host.slice(0, -1) : host;
    const isNamed = passthroughHosts.some((suffix) => name === suffix || name.endsWith(`.${suffix}`));
    return isNamed || untrusting.passes(host);
  }

  /** Whether a client can be looked into: it has to accept HTTP/1.1 inside. */
  canServe({ protocols }: ClientHello): boolean {
    return protocols.length === 0 || protocols.includes('http/1.1');
  }

  /** Takes a client over. Never throws: what fails ends the connection, and the log says why. */
  async take(client: TlsClient): Promise<void> {
    try {
      const context = this.#settings.contexts.contextFor(client.host);
      // A certificate that is there already is used in this very turn.
      this.#handshake(client, 'then' in context ? await context : context);
    } catch (error) {
      this.#noteNoCertificate(client, error);
      client.connection.destroy();
    }
  }

  /** What a client names may be anything: only a failure of ours is an error. */
  #noteNoCertificate({ connection, host }: TlsClient, error: unknown): void {
    const { logger } = this.#settings;
    if (error instanceof AuthorityError && error.code === 'host') {
      logger?.info({ client: peerOf(connection) }, error.message);
    } else {
      logger?.error({ err: error, host }, 'no certificate could be made for a host');
    }
  }

  #handshake(client: TlsClient, context: SecureContext): void {
    const { connection, bytes, tunnel } = client;
    if (connection.destroyed) return;
    const { untrusting, handshakeTimeoutMs, serve } = this.#settings;
    const failed = {
      host: client.host,
      address: peerOf(connection) ?? 'from an unknown address',
      userAgent: client.userAgent,
    };
    connection.unshift(bytes);
    const intercepted = new InterceptedConnection(connection, context, tunnel);
    this.#open.add(connection);
    let isExplained = false;
    const late = setTimeout(() => {
      isExplained = true;
      intercepted.destroy();
    }, handshakeTimeoutMs);
    const end = () => {
      clearTimeout(late);
      this.#open.delete(connection);
      intercepted.off('error', onError).off('end', onEnd).off('close', onClose);
    };
    // A client that says no more is gone; the listener's connections stay half open by themselves.
    const onEnd = () => intercepted.destroy();
    const onError = (error: Error) => {
      isExplained = true;
      untrusting.noteFailure(failed, error);
    };
    const onClose = () => {
      end();
      if (!isExplained && !this.#isClosing) untrusting.noteFailure(failed, undefined);
    };
    intercepted.on('error', onError).on('end', onEnd).on('close', onClose);
    intercepted.once('secure', () => {
      end();
      serve(intercepted);
    });
  }

  /** Breaks off handshakes that are under way. */
  close(): void {
    this.#isClosing = true;
    for (const connection of this.#open) connection.destroy();
  }
}
