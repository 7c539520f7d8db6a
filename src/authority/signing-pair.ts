import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { AuthorityError } from './authority-error.ts';
import type { AuthorityFiles } from './authority-files.ts';
import { pemCertificates } from './pem.ts';

/** What leaves are signed with: read, and found to belong together. */
export interface SigningPair {
  /** The authority's certificate, then those above it, if the file had any. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly key: KeyObject;
  readonly signature: SignatureScheme;
}

/** How the authority's key signs, in the words of WebCrypto. */
export type SignatureScheme =
  | { readonly name: 'ECDSA'; readonly namedCurve: string; readonly hash: string }
  | { readonly name: 'RSASSA-PKCS1-v1_5'; readonly hash: 'SHA-256' };

/** Curves by OpenSSL's name; each with the hash of its strength (RFC 5480 section 4). */
const curves: ReadonlyMap<string, { namedCurve: string; hash: string }> = new Map([
  ['prime256v1', { namedCurve: 'P-256', hash: 'SHA-256' }],
  ['secp384r1', { namedCurve: 'P-384', hash: 'SHA-384' }],
  ['secp521r1', { namedCurve: 'P-521', hash: 'SHA-512' }],
]);

/** OpenSSL, Java and browsers refuse shorter ones in a chain; bits. */
const MIN_RSA = 2048;

/** Extended key usages under which an authority may sign for servers. */
const serverUsages = ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0'];

/**
 * Reads the texts of an authority and makes sure that clients could accept what it signs.
 *
 * @throws {AuthorityError} `invalid`, `mismatch` or `expired`
 */
export function readSigningPair(files: AuthorityFiles): SigningPair {
  const chain = readChain(files);
  const key = readKey(files);
  const [certificate] = chain;
  const { certFile, keyFile, remedy } = files;
  if (!certificate.checkPrivateKey(key)) {
    throw new AuthorityError(
      'mismatch',
      `${keyFile} is not the key of ${certFile}: expected that of ${oneLine(certificate.subject)}, the first certificate there; ${remedy}`,
    );
  }
  refuseNonAuthority(certificate, files);
  refuseExpired(certificate, files);
  return { chain, key, signature: signatureScheme(key, files) };
}

/** @throws {AuthorityError} `expired`, or `invalid` before its time */
export function refuseExpired(certificate: X509Certificate, { certFile, remedy }: AuthorityFiles): void {
  if (Date.now() >= Date.parse(certificate.validTo)) {
    throw new AuthorityError('expired', `${certFile} was valid until ${certificate.validTo}; ${remedy}`);
  }
  if (Date.now() < Date.parse(certificate.validFrom)) {
    throw new AuthorityError(
      'invalid',
      `${certFile} is valid from ${certificate.validFrom} on, and here it is ${new Date().toISOString()}; is this clock right?`,
    );
  }
}

function readChain({ certFile, certificate: text, remedy }: AuthorityFiles): SigningPair['chain'] {
  try {
    const [first, ...others] = pemCertificates(text).map((pem) => new X509Certificate(pem));
    if (first !== undefined) return [first, ...others];
  } catch (cause) {
    throw new AuthorityError('invalid', `${certFile} has a certificate that cannot be read; ${remedy}`, {
      cause,
    });
  }
  throw new AuthorityError(
    'invalid',
    `${certFile} has no certificate: expected PEM (-----BEGIN CERTIFICATE-----); ${remedy}`,
  );
}

function readKey({ keyFile, key, remedy }: AuthorityFiles): KeyObject {
  if (/ENCRYPTED/.test(key)) {
    throw new AuthorityError(
      'invalid',
      `${keyFile} is encrypted, and nobody is asked for its password here; decrypt it with \`openssl pkey -in FILE -out FILE\``,
    );
  }
  try {
    return createPrivateKey(key);
  } catch (cause) {
    throw new AuthorityError(
      'invalid',
      `${keyFile} has no private key that can be read: expected PEM, PKCS#8, PKCS#1 or SEC1; ${remedy}`,
      { cause },
    );
  }
}

function refuseNonAuthority(certificate: X509Certificate, { certFile }: AuthorityFiles): void {
  const subject = oneLine(certificate.subject);
  // OpenSSL's word: it has looked at the key usage as well.
  if (!certificate.ca) {
    throw new AuthorityError(
      'invalid',
      `${certFile} is no authority: ${subject} may not sign certificates (basic constraints need CA:TRUE, and key usage, if given, certificate signing); name one that may`,
    );
  }
  // Node calls the extended key usages so.
  const usages: readonly string[] | undefined = certificate.keyUsage;
  if (usages?.length && !usages.some((usage) => serverUsages.includes(usage))) {
    throw new AuthorityError(
      'invalid',
      `${certFile} may not sign for servers: the extended key usages of ${subject} are ${usages.join(', ')}; name one that may`,
    );
  }
}

function signatureScheme({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, files: AuthorityFiles) {
  const curve = curves.get(asymmetricKeyDetails?.namedCurve ?? '');
  if (asymmetricKeyType === 'ec' && curve !== undefined) return { name: 'ECDSA', ...curve } as const;
  const bits = asymmetricKeyDetails?.modulusLength ?? 0;
  if (asymmetricKeyType === 'rsa' && bits >= MIN_RSA) {
    return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
  }
  const found = [asymmetricKeyType, asymmetricKeyDetails?.namedCurve ?? (bits > 0 ? `${bits} bits` : '')];
  throw new AuthorityError(
    'invalid',
    `${files.keyFile}: expected a key of EC P-256, P-384 or P-521, or RSA of ${MIN_RSA} bits and more, got ${found.join(' ').trim()}`,
  );
}

function oneLine(name: string): string {
  return name.split('\n').join(', ');
}
