import tls from 'node:tls';
import type { Authority } from './authority.ts';
import { pemCertificates } from './pem.ts';

/**
 * Whom this system trusts: its own roots, those that Node brings, and those of NODE_EXTRA_CA_CERTS. PEM, each once, each
 * ending in a newline. Node before 22.15 knows the ones it brings only.
 */
export function systemRoots(): readonly string[] {
  const texts =
    typeof tls.getCACertificates === 'function'
      ? (['system', 'bundled', 'extra'] as const).flatMap(certificatesOf)
      : tls.rootCertificates;
  // The same certificate comes wrapped and unwrapped: its content without white space is what counts.
  const byContent = new Map<string, string>();
  for (const pem of texts.flatMap(pemCertificates)) {
    const content = pem.replaceAll(/\s/g, '');
    if (!byContent.has(content)) byContent.set(content, pem);
  }
  return [...byContent.values()];
}

/** A system without roots, such as a bare container, has none to give; so has one whose files are broken. */
function certificatesOf(source: 'system' | 'bundled' | 'extra'): readonly string[] {
  try {
    return tls.getCACertificates(source);
  } catch {
    return [];
  }
}

/** The system's roots and the authority, in one PEM text: for clients that take one file instead of their own. */
export function pemBundle(authority: Authority): string {
  return [...new Set([...systemRoots(), ...pemCertificates(authority.certificate)])].join('');
}
