import type { TlsOptions } from 'node:tls';
import { ScriptedOrigin } from './scripted-origin.ts';
import type { TestAuthority } from './test-authority.ts';

/**
 * A scripted origin that speaks TLS, with a certificate of the authority for `127.0.0.1`, `::1`,
 * `localhost`, `api.test`, `*.api.test` and `other.test`.
 *
 * @param options of the TLS server; `cert` and `key` stand instead of the certificate
 */
export async function listenTls(
  authority: TestAuthority,
  options: TlsOptions = {},
  host = '127.0.0.1',
): Promise<ScriptedOrigin> {
  const credentials = options.cert === undefined ? await authority.server() : {};
  return await ScriptedOrigin.listen(host, { ...credentials, ...options });
}
