import { isIP } from 'node:net';
import { parseAuthority } from '../cases/index.ts';
import { RuntimeError } from './errors.ts';
import { isInternalHost } from './internal-host.ts';

/**
 * Refuses what a web page on another site could make a visitor's browser send. A control API on loopback
 * is reachable from every page that the developer has open, and a POST of a form type needs no CORS
 * preflight; browsers put `Origin` on each such request, and on every POST. Programs that are no browsers send
 * no `Origin`, and pages served from this machine are its owner's.
 *
 * @param origin the Origin header (RFC 6454 section 7), if there was one
 * @throws {RuntimeError} `forbidden_origin`
 */
export function refuseForeignOrigin(origin: string | undefined): void {
  if (origin === undefined || isLoopbackOrigin(origin)) return;
  throw new RuntimeError(
    'forbidden_origin',
    'web pages may not call this API: the request carries an Origin that is not on this machine',
  );
}

/**
 * Refuses to be read under the name of another site. A page whose name leads to this machine all of a sudden (DNS
 * rebinding) asks its own site, as its browser sees it: a GET then carries no `Origin`, and the page may read the
 * answer. Only the name in `Host` tells it from a program. Addresses cannot be rebound, and internal names nobody
 * outside can have.
 *
 * @param host the Host header, if there was one
 * @throws {RuntimeError} `forbidden_origin`
 */
export function refuseForeignHost(host: string | undefined): void {
  if (host === undefined) return;
  const { name } = parseAuthority(host);
  if (isIP(name) !== 0 || isInternalHost(name)) return;
  throw new RuntimeError(
    'forbidden_origin',
    'without a token this API is read by an address, localhost or an internal name only, since any web page can have its name lead here; use one of these as the host, or start the proxy with SOFTPROBE_API_TOKEN',
  );
}

function isLoopbackOrigin(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const { hostname, protocol } = new URL(origin);
  if (protocol !== 'http:' && protocol !== 'https:') return false;
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}
