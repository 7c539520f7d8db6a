import { BlockList, isIP } from 'node:net';

/** Addresses that no packet leaves the site for (CONTRACT section 8: loopback, private ranges). */
const INTERNAL = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8], // "this host" (RFC 1122 section 3.2.1.3)
  ['10.0.0.0', 8],
  ['100.64.0.0', 10], // shared address space of carriers, clusters and overlay networks (RFC 6598)
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const) {
  INTERNAL.addSubnet(network, prefix, 'ipv4');
}
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['fc00::', 7], // unique local (RFC 4193)
  ['fe80::', 10], // link-local
] as const) {
  INTERNAL.addSubnet(network, prefix, 'ipv6');
}

/** Name endings that only resolve inside; `localhost` is a top-level name by RFC 6761 section 6.3. */
const INTERNAL_SUFFIXES = ['.localhost', '.internal', '.local', '.svc', '.cluster.local'];

/**
 * Is this host one of the site's own (CONTRACT section 8)? Loopback, private and link-local addresses (IPv4
 * also where mapped into IPv6), single-label names, and names under `.internal`, `.local`, `.svc`,
 * `.cluster.local` and `.localhost`.
 *
 * @param name lower case, without port, brackets and trailing dot
 */
export function isInternalHost(name: string): boolean {
  const [address = ''] = name.split('%', 1); // fe80::1%eth0: the zone is no part of the address
  const version = isIP(address);
  // Checks an IPv4-mapped IPv6 address against the IPv4 networks too.
  if (version !== 0) return INTERNAL.check(address, version === 6 ? 'ipv6' : 'ipv4');
  if (name.includes('.')) return INTERNAL_SUFFIXES.some((suffix) => name.endsWith(suffix));
  // A bare number is an IPv4 address to inet_aton, and so to most resolvers: 134744072 is 8.8.8.8.
  return name !== '' && !/^(?:\d+|0x[0-9a-f]*)$/.test(name);
}
