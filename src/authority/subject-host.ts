import { isIP } from 'node:net';
import { AuthorityError } from './authority-error.ts';

/** Whom a leaf is for, as its subject alternative name says it (RFC 5280 section 4.2.1.6). */
export interface SubjectHost {
  readonly type: 'dns' | 'ip';
  /** A lower-case DNS name without a final dot; an IPv4 address; an IPv6 address in its short form. */
  readonly name: string;
}

/** Octets of a DNS name without the final dot (RFC 1035 section 2.3.4). */
const MAX_NAME = 253;

/**
 * Letters, digits and hyphens (RFC 1123 section 2.1), and underscores, which names in containers are full of. Other
 * scripts come as `xn--` labels (RFC 5890): a ClientHello and a URL say them so.
 */
const dnsName = /^(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*$/;

/**
 * Reads a host that came from the network: a server name, a CONNECT authority, an address. Brackets around an IPv6
 * address and its zone are left out: neither has a place in a certificate.
 *
 * @throws {AuthorityError} `host` when it is neither a DNS name nor an address
 */
export function subjectHost(host: string): SubjectHost {
  // Before anything else looks at it: a peer may send as much as it likes.
  if (host.length <= MAX_NAME + 2) {
    const isBracketed = host.startsWith('[') && host.endsWith(']');
    const [address = ''] = (isBracketed ? host.slice(1, -1) : host).split('%', 1);
    const version = isIP(address);
    if (version === 4 && address === host) return { type: 'ip', name: address };
    if (version === 6) {
      const { hostname } = new URL(`http://[${address}]/`);
      return { type: 'ip', name: hostname.slice(1, -1) };
    }
    const name = host.toLowerCase().replace(/\.$/, '');
    if (name.length <= MAX_NAME && dnsName.test(name)) return { type: 'dns', name };
  }
  const shown = host.length > 80 ? `${host.slice(0, 80)}…` : host;
  throw new AuthorityError(
    'host',
    `no certificate can be made for ${JSON.stringify(shown)}: expected a DNS name or an IP address`,
  );
}
