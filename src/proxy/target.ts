import { ProxyError } from './errors.ts';
import type { RequestHead } from './request-head.ts';
import type { TunnelContext } from './tunnel-context.ts';

/** Where connections go: one upstream connection pool for each. */
export interface Origin {
  readonly scheme: 'http' | 'https';
  /** Host name or address; IPv6 addresses without brackets. */
  readonly hostname: string;
  readonly port: number;
  /** As a request names it: an explicit port is kept, IPv6 addresses are in brackets. */
  readonly authority: string;
  /** `scheme://host:port`. */
  readonly url: string;
  /**
   * The name that TLS asks the upstream for and verifies, as a client sent it: '' for none. Undefined: the host's,
   * if it is a name.
   */
  readonly serverName: string | undefined;
  /** Of its connection pool: what else it takes for two requests to share a connection. */
  readonly key: string;
}

/** What a request is for. */
export interface Target {
  readonly origin: Origin;
  /** Authority that the request names; it may differ from the origin's, which is where the bytes go. */
  readonly host: string;
  /** Path and query as they came: they are never normalised. */
  readonly pathAndQuery: string;
}

/** The path of a target, without its query. */
export function pathOf({ pathAndQuery }: Target): string {
  const mark = pathAndQuery.indexOf('?');
  return mark < 0 ? pathAndQuery : pathAndQuery.slice(0, mark);
}

/** What follows the first `?` of a target; undefined where there is none. */
export function queryOf({ pathAndQuery }: Target): string | undefined {
  const mark = pathAndQuery.indexOf('?');
  return mark < 0 ? undefined : pathAndQuery.slice(mark + 1);
}

/** Authorities seen so far; parsing one costs more than the rest of the way to the upstream. */
const MAX_CACHED_ORIGINS = 1024;

/**
 * Finds out where requests of one listener go.
 *
 * Ingress: always the app. Egress: the authority of an absolute-form target (RFC 9112 section 3.2.2), else
 * the configured upstream, else the Host field (transparent redirection).
 */
export class TargetResolver {
  readonly #fixed: Origin | undefined;
  readonly #followsAbsoluteForm: boolean;
  /** Authorities of the listener itself: a client that uses the proxy as its base URL sends these as Host. */
  readonly #ownAuthorities = new Set<string>();
  readonly #origins = new Map<string, Origin>();

  constructor(options: { fixed: Origin | undefined; followsAbsoluteForm: boolean }) {
    this.#fixed = options.fixed;
    this.#followsAbsoluteForm = options.followsAbsoluteForm;
  }

  /** Tells the resolver at which URL its own listener is reached. */
  addOwnUrl(url: string): void {
    const { host, port } = new URL(url);
    for (const name of [host, `localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`])
      this.#ownAuthorities.add(name);
  }

  /**
   * @param tunnel what the request came through, if it came through a tunnel or TLS
   * @throws {ProxyError} `invalid_target`
   */
  resolve(requestTarget: string, head: RequestHead, method: string, tunnel?: TunnelContext): Target {
    if (requestTarget.charCodeAt(0) !== 0x2f /* / */ && requestTarget !== '*') {
      return this.#resolveAbsoluteForm(requestTarget, method);
    }
    const origin = tunnel && (tunnel.origin ?? this.#originByServerName(tunnel.serverName, head.host));
    if (origin !== undefined) {
      return { origin, host: head.host || usualAuthority(origin), pathAndQuery: requestTarget };
    }
    return this.#resolveOriginForm(requestTarget, head.host, tunnel?.scheme ?? 'http');
  }

  /** TLS that came directly goes to the host that it asked for; at which port, only the Host field can tell. */
  #originByServerName(serverName: string | undefined, host = ''): Origin | undefined {
    if (serverName === undefined || this.#ownAuthorities.has(host)) return undefined;
    const port = /:\d+$/.exec(host)?.[0] ?? '';
    return this.#originOf('https', serverName + port);
  }

  #resolveOriginForm(pathAndQuery: string, host: string | undefined, scheme: 'http' | 'https'): Target {
    if (this.#fixed !== undefined) {
      const named = host !== undefined && !this.#ownAuthorities.has(host) ? host : undefined;
      // The app sees the Host that its client sent. An upstream behind `--upstream` sees its own name where the
      // client only named this proxy.
      const keepsHost = this.#followsAbsoluteForm ? named : host;
      return { origin: this.#fixed, host: keepsHost || this.#fixed.authority, pathAndQuery };
    }
    if (host === undefined || host === '') {
      throw new ProxyError(
        'invalid_target',
        'the request names no host: send an absolute URL or a Host field, or start the proxy with --upstream',
      );
    }
    return { origin: this.#originOf(scheme, host), host, pathAndQuery };
  }

  #resolveAbsoluteForm(url: string, method: string): Target {
    const scheme = schemeOf(url);
    const start = scheme.length + 3;
    let end = start;
    while (end < url.length) {
      const code = url.charCodeAt(end);
      if (code === 0x2f /* / */ || code === 0x3f /* ? */ || code === 0x23 /* # */) break;
      end += 1;
    }
    const rest = url.slice(end);
    const authority = withoutUserinfo(url.slice(start, end));
    // RFC 9112 section 3.2.4: the last proxy turns OPTIONS for a whole server back into the asterisk.
    const isForServer = method === 'OPTIONS' && rest === '';
    const pathAndQuery = isForServer ? '*' : rest.charCodeAt(0) === 0x2f ? rest : `/${rest}`;
    const origin = this.#originOf(scheme, authority);
    return {
      origin: this.#followsAbsoluteForm ? origin : (this.#fixed ?? origin),
      host: authority,
      pathAndQuery,
    };
  }

  #originOf(scheme: 'http' | 'https', authority: string): Origin {
    const key = scheme === 'http' ? authority : `https://${authority}`;
    let origin = this.#origins.get(key);
    if (origin === undefined) {
      origin = parseOrigin(scheme, authority);
      // Whoever cycles through more names than fit starts over: rarer than the bookkeeping of a real LRU.
      if (this.#origins.size === MAX_CACHED_ORIGINS) this.#origins.clear();
      this.#origins.set(key, origin);
    }
    return origin;
  }
}

function schemeOf(url: string): 'http' | 'https' {
  const colon = url.indexOf('://');
  const scheme = colon < 0 ? '' : url.slice(0, colon).toLowerCase();
  if (scheme === 'http' || scheme === 'https') return scheme;
  throw new ProxyError(
    'invalid_target',
    scheme === ''
      ? 'the request target is neither a path nor an absolute URL'
      : `the proxy speaks http and https, not ${JSON.stringify(scheme)}`,
  );
}

function withoutUserinfo(authority: string): string {
  const at = authority.lastIndexOf('@');
  return at < 0 ? authority : authority.slice(at + 1);
}

/** Letters, digits and what else RFC 3986 section 3.2.2 lets stand in a registered name. */
const REGISTERED_NAME = /^[A-Za-z0-9._~!$&'()*+,;=%-]+$/;
const IPV6_LITERAL = /^\[[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._~-]+)?\]$/;

/**
 * Parses `host` or `host:port`.
 *
 * @throws {ProxyError} `invalid_target` when it is neither
 */
export function parseOrigin(scheme: 'http' | 'https', authority: string): Origin {
  const bracket = authority.lastIndexOf(']');
  const colon = authority.indexOf(':', bracket + 1);
  const host = colon < 0 ? authority : authority.slice(0, colon);
  const portText = colon < 0 ? '' : authority.slice(colon + 1);
  const isLiteral = IPV6_LITERAL.test(host);
  if (!isLiteral && !REGISTERED_NAME.test(host)) {
    throw new ProxyError('invalid_target', `${quote(authority)} is not a host`);
  }
  const port = portText === '' ? (scheme === 'https' ? 443 : 80) : parsePort(portText, authority);
  const hostname = isLiteral ? host.slice(1, -1) : host.toLowerCase();
  const url = `${scheme}://${host.toLowerCase()}:${port}`;
  return { scheme, hostname, port, authority, url, serverName: undefined, key: url };
}

/**
 * An origin as it is reached through TLS.
 *
 * @param serverName as the client sent it; undefined where it sent none
 */
export function throughTls(origin: Origin, serverName: string | undefined): Origin {
  const url = origin.url.replace(/^http:/, 'https:');
  const isUsual = serverName === origin.hostname;
  const key = isUsual ? url : `${url} ${serverName ?? ''}`;
  return { ...origin, scheme: 'https', url, serverName: isUsual ? undefined : (serverName ?? ''), key };
}

/** The authority of an origin as a Host field has it: without the port that its scheme has anyway. */
function usualAuthority({ scheme, port, authority }: Origin): string {
  const isUsual = port === (scheme === 'https' ? 443 : 80);
  return isUsual ? authority.replace(/:\d+$/, '') : authority;
}

function parsePort(text: string, authority: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) {
    throw new ProxyError('invalid_target', `${quote(authority)} has no valid port: expected 1 to 65535`);
  }
  return port;
}

function quote(text: string): string {
  return JSON.stringify(text.length <= 100 ? text : `${text.slice(0, 100)}…`);
}

/**
 * Parses the URL of an upstream that an operator names: `http://host[:port]`, or https, and nothing behind it.
 *
 * @param option name of the option, for the message
 * @throws {TypeError} saying what was expected
 */
export function parseOriginUrl(option: string, url: string): Origin {
  const expected = `${option}: expected http://host[:port] or https://host[:port], got ${JSON.stringify(url)}`;
  const match = /^(https?):\/\/([^/?#@]+)\/?$/i.exec(url);
  if (match === null) throw new TypeError(expected);
  try {
    return parseOrigin(match[1]?.toLowerCase() === 'https' ? 'https' : 'http', match[2] ?? '');
  } catch (error) {
    throw new TypeError(`${expected} (${(error as Error).message})`, { cause: error });
  }
}
