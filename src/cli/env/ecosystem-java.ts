import type { EcosystemInput } from './ecosystem-table.ts';

/**
 * JAVA_TOOL_OPTIONS: the proxy and the trust store as system properties. What was there stays in front, where a
 * later property of the same name wins.
 *
 * Nothing here names the session: Java has no property for a proxy's user. Nothing opens Basic authentication
 * for tunnels either (`jdk.http.auth.tunneling.disabledSchemes`): the egress listener never asks for it.
 */
export function javaOptions({ egressUrl, trust, environment }: EcosystemInput): string {
  const { hostname, port } = new URL(egressUrl);
  const host = hostname.replace(/^\[|\]$/g, '');
  const properties: [name: string, value: string][] = [
    ['http.proxyHost', host],
    ['http.proxyPort', port || '80'],
    ['https.proxyHost', host],
    ['https.proxyPort', port || '80'],
    // Its default excludes localhost and 127.*, where the services of a test are. Both protocols read this one.
    ['http.nonProxyHosts', ''],
  ];
  if (trust !== undefined) {
    properties.push(
      ['javax.net.ssl.trustStore', trust.p12],
      ['javax.net.ssl.trustStoreType', 'PKCS12'],
      ['javax.net.ssl.trustStorePassword', trust.p12Password],
    );
  }
  const ours = properties.map(([name, value]) => javaWord(`-D${name}=${value}`)).join(' ');
  const existing = environment.JAVA_TOOL_OPTIONS?.trim() ?? '';
  // The settings may be given twice: `env` in a shell, then once more.
  if (existing === '' || existing === ours) return ours;
  return existing.endsWith(` ${ours}`) ? existing : `${existing} ${ours}`;
}

/**
 * One option as the virtual machine splits JAVA_TOOL_OPTIONS: at blanks, save in single or double quotes. There is
 * no escape sign, so each kind of quote stands in the other kind.
 */
function javaWord(option: string): string {
  if (!/[\s'"]/.test(option)) return option;
  const parts = option.match(/"+|[^"]+/g) ?? [];
  return parts.map((part) => (part.startsWith('"') ? `'${part}'` : `"${part}"`)).join('');
}
