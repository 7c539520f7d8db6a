import { RuntimeError } from './errors.ts';

/**
 * Refuses what a web page on another site could make a visitor's browser send. A control API on loopback
 * is reachable from every page that the developer has open, and a POST of a form type needs no CORS
 * preflight; browsers put `Origin` on each such request, also after DNS rebinding. Programs that are no
 * browsers send no `Origin`, and pages served from this machine are its owner's.
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
