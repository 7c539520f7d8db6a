import { isIP, type Socket } from 'node:net';
import * as tls from 'node:tls';
import type { Connector } from './connector.ts';
import { describeUpstreamFailure, ProxyError } from './errors.ts';
import type { UpstreamTls } from './upstream-tls.ts';

export interface TlsConnectorOptions {
  /** Milliseconds until TLS must stand. */
  readonly timeoutMs: number;
  readonly upstreamTls: UpstreamTls;
  /** Why a connection is not wanted: asked before TLS begins on it. */
  readonly refuse: (socket: Socket) => Error | undefined;
}

/**
 * Opens connections that speak TLS. undici's connector would do, but for what it keeps to itself: it takes the server
 * name from the Host field, forgets sessions with the next garbage collection, and tells nothing of a certificate
 * that it refuses.
 */
export function createTlsConnector({ timeoutMs, upstreamTls, refuse }: TlsConnectorOptions): Connector {
  const sessions = new Sessions();
  return ({ hostname, port: portText, servername }, callback) => {
    const port = Number(portText || 443);
    const serverName = sentServerName(servername ?? hostname);
    const name = serverName || hostname;
    const authority = hostname.includes(':') ? `[${hostname}]:${port}` : `${hostname}:${port}`;
    // Security goes by these two: a session never reaches an upstream for which its certificate was not verified.
    const sessionKey = `${name} ${port}`;
    const session = sessions.get(sessionKey);
    const socket = tls.connect({
      host: hostname,
      port,
      ...upstreamTls.securityFor(name, port),
      ...(serverName !== '' && { servername: serverName }),
      ALPNProtocols: ['http/1.1'],
      ...(session !== undefined && { session }),
    });
    socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    socket.on('session', (given) => sessions.set(sessionKey, given));

    let isConnected = false;
    socket.once('connect', () => {
      isConnected = true;
      const refusal = refuse(socket);
      if (refusal !== undefined) socket.destroy(refusal);
    });
    const timer = setTimeout(() => {
      const what = isConnected
        ? `${authority} accepted the connection, but TLS did not stand within ${timeoutMs} ms`
        : `${authority} did not accept a connection within ${timeoutMs} ms`;
      socket.destroy(new ProxyError('upstream_connect_timeout', what));
    }, timeoutMs);

    // Only for messages. Ahead of the verification, since a certificate that was refused is gone when that is told;
    // and not by `getPeerX509Certificate()`, which leaves the verification without the names (Node 24.21).
    let certificate: tls.DetailedPeerCertificate | undefined;
    socket.prependOnceListener('secure', () => {
      if (!socket.isSessionReused()) certificate = socket.getPeerCertificate(true);
    });
    const onFailure = (error: Error) => {
      clearTimeout(timer);
      const handshake = isConnected ? { name, certificate } : undefined;
      callback(describeUpstreamFailure(error, authority, handshake), null);
    };
    socket.once('error', onFailure);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      // The session's listener would keep it as long as the connection.
      certificate = undefined;
      socket.off('error', onFailure);
      socket.on('error', endWithFailure);
      callback(null, socket);
    });
  };
}

/** Milliseconds until the kernel asks a silent upstream whether it is still there. */
const KEEP_ALIVE_MS = 60_000;

/** One has 2 to 4 KB. */
const MAX_SESSIONS = 256;

/** The newest TLS session of each upstream, by which the next connection needs no new key exchange. */
class Sessions {
  readonly #sessions = new Map<string, Buffer>();

  get(key: string): Buffer | undefined {
    return this.#sessions.get(key);
  }

  set(key: string, session: Buffer): void {
    this.#sessions.delete(key);
    if (this.#sessions.size === MAX_SESSIONS) {
      const [oldest = ''] = this.#sessions.keys();
      this.#sessions.delete(oldest);
    }
    this.#sessions.set(key, session);
  }
}

/** RFC 6066 section 3: an address is no server name, and a name has no dot at its end. */
function sentServerName(name: string): string {
  if (isIP(name) !== 0 || name.includes(':')) return '';
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/**
 * Of a failure inside TLS Node only tells; the connection then ends like any other (an alert is followed by its
 * end), and undici would take that for the failure.
 */
function endWithFailure(this: Socket): void {
  this.destroy();
}
