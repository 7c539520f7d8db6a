import { isIPv6, type Server, type Socket } from 'node:net';

/**
 * The addresses at which this process listens. A request that would be sent to one of them is refused with
 * 508 (CONTRACT section 9): it would come round for ever. The check is made on the connection, not on the
 * name, so that no spelling of an address and no DNS entry gets past it, and so that it costs nothing while
 * connections are reused.
 */
export class OwnListeners {
  readonly #listeners: { address: string; port: number }[] = [];

  add(server: Server): void {
    const address = server.address();
    if (address !== null && typeof address === 'object') {
      this.#listeners.push({ address: canonical(address.address), port: address.port });
    }
  }

  /** Whether an established connection ends at one of our own listeners. */
  isPeerOf(socket: Socket): boolean {
    const { remoteAddress, remotePort, localAddress } = socket;
    if (remoteAddress === undefined || remotePort === undefined) return false;
    const remote = canonical(remoteAddress);
    const isLocal = isLoopback(remote) || remote === canonical(localAddress ?? '');
    return this.#listeners.some(
      ({ address, port }) => port === remotePort && (address === remote || (isWildcard(address) && isLocal)),
    );
  }
}

/** IPv4 addresses also come mapped into IPv6 (RFC 4291 section 2.5.5.2). */
function canonical(address: string): string {
  const lower = address.toLowerCase();
  return isIPv6(lower) && lower.startsWith('::ffff:') ? lower.slice(7) : lower;
}

function isWildcard(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
