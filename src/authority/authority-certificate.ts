import { createHash, randomBytes, webcrypto } from 'node:crypto';
import type { AuthorityTexts } from './authority-files.ts';
import { randomSerialNumber } from './serial-number.ts';
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from './x509.ts';

const DAY = 24 * 60 * 60 * 1000;

/**
 * Makes a new authority: ECDSA P-256, ten years, from yesterday (machines whose clock is slow are to take it too).
 * It may sign leaves only (path length 0).
 */
export async function createAuthorityTexts(): Promise<AuthorityTexts> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ]);
  const publicKey = Buffer.from(await webcrypto.subtle.exportKey('spki', keys.publicKey));
  // Tells this authority from that of another machine in a list of trusted ones.
  const mark = createHash('sha256').update(publicKey).digest('hex').slice(0, 8);
  const now = Date.now();
  const end = new Date(now);
  end.setUTCFullYear(end.getUTCFullYear() + 10);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ O: ['softprobe-proxy'] }, { CN: [`softprobe-proxy CA ${mark}`] }],
    serialNumber: randomSerialNumber(randomBytes(16)),
    notBefore: new Date(now - DAY),
    notAfter: end,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    certificate: `${certificate.toString('pem')}\n`,
    key: `${PemConverter.encode(key, PemConverter.PrivateKeyTag)}\n`,
  };
}
