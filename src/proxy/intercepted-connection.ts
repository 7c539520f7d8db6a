import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SecureContext, TLSSocket } from 'node:tls';
import { CarriedConnection } from './carried-connection.ts';
import type { TunnelContext } from './tunnel-context.ts';

/** Inside TLS we speak HTTP/1.1; whoever can only speak something else is not intercepted (`Interception`). */
const PROTOCOLS = ['http/1.1'];

/** The inside of a client's TLS: what an HTTP server reads is plain, and it knows where it was going. */
export class InterceptedConnection extends TLSSocket {
  readonly tunnel: TunnelContext;
  /** What carries the TLS. */
  readonly below: Duplex;

  /** @param client the connection; what was read of it already has been put back */
  constructor(client: Duplex, secureContext: SecureContext, tunnel: TunnelContext) {
    // The types want a Socket and the documentation any Duplex.
    super(client as Socket, { isServer: true, secureContext, ALPNProtocols: PROTOCOLS });
    this.tunnel = tunnel;
    this.below = client;
  }
}

/** What a request came through, where it came through a tunnel or TLS. */
export function tunnelOf(socket: Duplex): TunnelContext | undefined {
  const isInside = socket instanceof InterceptedConnection || socket instanceof CarriedConnection;
  return isInside ? socket.tunnel : undefined;
}
