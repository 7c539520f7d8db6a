import type { Authority, AuthorityOptions } from './authority/index.ts';
import type { ProxyOptions, RunningProxy } from './proxy/index.ts';

/*
 * The library's doors to the proxy. Its parts are loaded when they are first needed: a test that only talks to a
 * proxy elsewhere imports the same package, and should not wait for them.
 */

/**
 * Starts the proxy in this process: ingress, egress, control and admin listeners around one runtime. With
 * `await using` it is closed at the end of the block.
 *
 * @throws {ListenError} when a port cannot be had
 * @throws {TypeError} when `appUrl` or `upstream` is not `http(s)://host[:port]`
 * @throws {AuthorityError} when no certificate authority was given and that of the user cannot be used
 */
export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const proxy = await import('./proxy/index.ts');
  return proxy.startProxy(options);
}

/**
 * Opens the certificate authority of intercepted TLS, for `interception.authority` of {@link startProxy}; creates it
 * on first use.
 *
 * @throws {AuthorityError}
 */
export async function openAuthority(options?: AuthorityOptions): Promise<Authority> {
  const authority = await import('./authority/index.ts');
  return authority.openAuthority(options);
}
