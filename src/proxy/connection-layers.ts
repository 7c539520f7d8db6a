import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { CarriedConnection } from './carried-connection.ts';
import { InterceptedConnection } from './intercepted-connection.ts';

/** The connection below all that is carried by it: TLS, or TLS in TLS, and first bytes that were put back. */
function bottomOf(connection: Duplex): Duplex {
  let bottom = connection;
  while (isLayer(bottom)) bottom = bottom.below;
  return bottom;
}

/** How many of these layers a connection has: 0 for one as it was accepted. */
export function layersOf(connection: Duplex): number {
  let count = 0;
  for (let layer = connection; isLayer(layer); layer = layer.below) count += 1;
  return count;
}

function isLayer(connection: Duplex): connection is CarriedConnection | InterceptedConnection {
  return connection instanceof CarriedConnection || connection instanceof InterceptedConnection;
}

/** Where the other end of a connection is: `address:port`; undefined when it is gone. */
export function peerOf(connection: Duplex): string | undefined {
  const bottom = bottomOf(connection);
  if (!(bottom instanceof Socket) || bottom.remoteAddress === undefined) return undefined;
  return `${bottom.remoteAddress}:${bottom.remotePort}`;
}

/**
 * Breaks a connection off so that the other end cannot take what it got for all there was: by a reset, and without
 * the alert that ends TLS (RFC 8446 section 6.1).
 */
export function resetConnection(connection: Duplex): void {
  const bottom = bottomOf(connection);
  // Node cannot reset below TLS of its own making, as that to an upstream is; destroyed, it sends no alert either.
  if (bottom instanceof Socket && !(bottom instanceof TLSSocket)) bottom.resetAndDestroy();
  connection.destroy();
}
