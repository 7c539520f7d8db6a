import type { Origin } from './target.ts';

/** What the requests inside a tunnel, or inside TLS, inherit from how they came. */
export interface TunnelContext {
  /** TLS around the requests makes it https. */
  readonly scheme: Origin['scheme'];
  /**
   * Where the tunnel leads: where its requests go, whatever Host they name. Undefined for TLS that came to the
   * listener directly: there only the Host tells the port.
   */
  readonly origin: Origin | undefined;
  /** The name that a TLS client asked for (SNI); undefined where it named none, and without TLS. */
  readonly serverName: string | undefined;
  /** The client sends proxy credentials with CONNECT only; they hold for all that is inside. */
  readonly proxyAuthorization: string | undefined;
}
