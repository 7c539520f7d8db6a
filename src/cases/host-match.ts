import type { Hop } from './exchange.ts';

/** Host and port of an authority (RFC 3986 section 3.2) in a form that can be compared. */
export interface Authority {
  /** Lower case, no trailing dot, an IPv6 literal without its brackets. */
  readonly name: string;
  /** As written; '' where there is none. */
  readonly port: string;
}

/** Tells whether a hop goes to a certain host, or to one of a family of hosts. */
export type HostMatcher = (hop: Pick<Hop, 'host' | 'scheme'>) => boolean;

/** A host in a rule or policy that cannot be meant as one. */
export class HostSyntaxError extends Error {
  override readonly name = 'HostSyntaxError';
}

/** All predicates of one decision ask for the same host, so one remembered answer is as good as many. */
let lastText = '';
let lastAuthority: Authority = { name: '', port: '' };

/** Splits an authority. Never fails: text that is no authority becomes a name that matches nothing. */
export function parseAuthority(text: string): Authority {
  if (text !== lastText) {
    lastAuthority = splitAuthority(text);
    lastText = text;
  }
  return lastAuthority;
}

function splitAuthority(text: string): Authority {
  if (text.startsWith('[')) {
    const end = text.indexOf(']');
    if (end !== -1)
      return { name: foldName(text.slice(1, end)), port: text.slice(end + 1).replace(/^:/, '') };
  }
  const colon = text.indexOf(':');
  // Two colons and no brackets: an IPv6 address by itself, as people write it in lists.
  if (colon === -1 || text.includes(':', colon + 1)) return { name: foldName(text), port: '' };
  return { name: foldName(text.slice(0, colon)), port: text.slice(colon + 1) };
}

function foldName(name: string): string {
  const lower = name.toLowerCase();
  // `example.com.` is the same name, spelt out to the root (RFC 1034 section 3.1).
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}

/** The port that the hop goes to: the one it names, else its scheme's. */
export function portOf({ port }: Authority, scheme: Hop['scheme']): string {
  if (port !== '') return port;
  return scheme === 'https' ? '443' : '80';
}

/**
 * Matches `host` of a rule: case-insensitive; without a port it matches any port, and a default port (80 for
 * http, 443 for https) equals none.
 *
 * @throws {HostSyntaxError}
 */
export function compileHost(host: string): HostMatcher {
  const { name, port } = checkedAuthority(host);
  return (hop) => {
    const authority = parseAuthority(hop.host);
    return authority.name === name && (port === '' || portOf(authority, hop.scheme) === port);
  };
}

/**
 * Matches `hostSuffix` of a rule and the list entries of a policy: `stripe.com` matches `stripe.com` and
 * `api.stripe.com`, not `notstripe.com`. A leading `.` or `*.` is allowed and changes nothing, `*` matches
 * every host, a port must match as in {@link compileHost}.
 *
 * @throws {HostSyntaxError}
 */
export function compileHostSuffix(suffix: string): HostMatcher {
  if (suffix === '*') return () => true;
  const { name, port } = checkedAuthority(suffix.replace(/^\*?\./, ''));
  const ending = `.${name}`;
  return (hop) => {
    const authority = parseAuthority(hop.host);
    const isNamed = authority.name === name || authority.name.endsWith(ending);
    return isNamed && (port === '' || portOf(authority, hop.scheme) === port);
  };
}

function checkedAuthority(text: string): Authority {
  const authority = splitAuthority(text);
  if (authority.name === '' || /[\s/?#@*]/.test(text) || !/^\d*$/.test(authority.port)) {
    throw new HostSyntaxError(
      `expected a host such as "api.example.com" or "api.example.com:8443", got ${JSON.stringify(text)}`,
    );
  }
  return authority;
}
