import { isUtf8 } from 'node:buffer';

/** Longer credentials are no session id of ours, and need not be decoded to know it. */
const MAX_LENGTH = 1024;

/**
 * The user name in `Proxy-Authorization: Basic …` (RFC 7617), which may name a session (CONTRACT section 2, step
 * 5): so `HTTP_PROXY=http://<sessionId>@127.0.0.1:8084` ties a whole process to one.
 *
 * @returns undefined for another scheme, an empty name, or what is not base64 of UTF-8
 */
export function readProxyUser(proxyAuthorization: string): string | undefined {
  if (proxyAuthorization.length > MAX_LENGTH) return undefined;
  const [, credentials] = /^basic +([A-Za-z0-9+/_-]+=*)$/i.exec(proxyAuthorization) ?? [];
  if (credentials === undefined) return undefined;
  const bytes = Buffer.from(credentials, 'base64');
  if (!isUtf8(bytes)) return undefined;
  const text = bytes.toString('utf8');
  const colon = text.indexOf(':');
  return (colon < 0 ? text : text.slice(0, colon)) || undefined;
}
