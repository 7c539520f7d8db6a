/**
 * The parts of a URL that an exchange keeps, exactly as they are written: the URL class would resolve dot
 * segments, change escapes and drop default ports, and a recording must not.
 */
export interface UrlParts {
  readonly scheme: 'http' | 'https';
  /** The authority without user name and password. */
  readonly host: string;
  /** Starts with `/`. */
  readonly path: string;
  /** Undefined where there is no `?`. */
  readonly query: string | undefined;
}

/** Splits an absolute http(s) URL; undefined for anything else. A fragment is dropped. */
export function splitUrl(url: string): UrlParts | undefined {
  const scheme = /^(https?):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== 'http' && scheme !== 'https') return undefined;
  const afterScheme = url.slice(scheme.length + 3);
  const end = afterScheme.search(/[/?#]/);
  const authority = end === -1 ? afterScheme : afterScheme.slice(0, end);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const target = end === -1 ? '' : (afterScheme.slice(end).split('#', 1)[0] ?? '');
  return { scheme, host, ...splitTarget(target) };
}

/** Splits path and query at the first `?`; the path gets the leading `/` that it must have. */
export function splitTarget(target: string): { path: string; query: string | undefined } {
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  return {
    path: path.startsWith('/') || path === '*' ? path : `/${path}`,
    query: mark === -1 ? undefined : target.slice(mark + 1),
  };
}

/** The same URL without user name and password; text that is no absolute URL stays as it is. */
export function urlWithoutUserinfo(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0];
  if (scheme === undefined) return url;
  const rest = url.slice(scheme.length);
  const end = rest.search(/[/?#]/);
  const authority = end === -1 ? rest : rest.slice(0, end);
  const at = authority.lastIndexOf('@');
  return at === -1 ? url : scheme + rest.slice(at + 1);
}
