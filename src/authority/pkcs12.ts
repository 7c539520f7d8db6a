import { createHash, createHmac, randomBytes, X509Certificate } from 'node:crypto';
import type { AsnType } from 'asn1js';
import { pemCertificates } from './pem.ts';

/** Rounds of the key derivation; what it guards is public and only must not change unnoticed. */
const ITERATIONS = 2048;

const id = {
  /** RFC 7292 section 4.2.3. */
  certBag: '1.2.840.113549.1.12.10.1.3',
  /** PKCS #9 (RFC 2985). */
  x509Certificate: '1.2.840.113549.1.9.22.1',
  /** PKCS #9 friendlyName (RFC 2985 section 5.5.1), what Java calls the alias. */
  friendlyName: '1.2.840.113549.1.9.20',
  /** Oracle's attribute without which Java takes a certificate for part of some chain and trusts none. */
  trustedKeyUsage: '2.16.840.1.113894.746875.1.1',
  anyExtendedKeyUsage: '2.5.29.37.0',
  /** PKCS #7 data (RFC 5652 section 4). */
  data: '1.2.840.113549.1.7.1',
  sha1: '1.3.14.3.2.26',
} as const;

/**
 * A trust store as PKCS #12 (RFC 7292), which Java reads by `-Djavax.net.ssl.trustStore`: each certificate is a trusted
 * one there, by a name of its own.
 *
 * The certificates are not encrypted: they are public. The MAC is HMAC-SHA1, the only one that every Java 8 knows;
 * it tells that the password is right, and is no secret's guard.
 *
 * @param certificates PEM; one text may hold several
 * @param password Java asks for one, `changeit` by custom; not empty, since programs disagree on what that means
 * @throws {RangeError} for an empty password
 */
export async function pkcs12TrustStore(
  certificates: readonly string[],
  password: string,
): Promise<Uint8Array> {
  if (password === '') throw new RangeError('a PKCS #12 trust store needs a password that is not empty');
  const trusted = certificates.flatMap(pemCertificates).map((pem) => new X509Certificate(pem));
  // On demand: starting the proxy needs none of this.
  const asn1 = await import('asn1js');

  // The structures are put together from primitives: classes made for them parse again at every level what they
  // have just written, which takes ten times as long for a system's roots.
  const oid = (value: string) => new asn1.ObjectIdentifier({ value });
  const octets = (bytes: Uint8Array | ArrayBuffer) => new asn1.OctetString({ valueHex: bytes });
  const sequence = (...value: AsnType[]) => new asn1.Sequence({ value });
  const set = (...value: AsnType[]) => new asn1.Set({ value });
  const explicit = (value: AsnType) =>
    new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [value] });
  const data = (content: ArrayBuffer) => sequence(oid(id.data), explicit(octets(content)));

  const bagOf = (certificate: X509Certificate) =>
    sequence(
      oid(id.certBag),
      explicit(sequence(oid(id.x509Certificate), explicit(octets(certificate.raw)))),
      set(
        sequence(oid(id.friendlyName), set(new asn1.BmpString({ value: friendlyName(certificate) }))),
        sequence(oid(id.trustedKeyUsage), set(oid(id.anyExtendedKeyUsage))),
      ),
    );
  const safe = sequence(data(sequence(...trusted.map(bagOf)).toBER())).toBER();
  const salt = randomBytes(20);
  const mac = createHmac('sha1', macKey(password, salt)).update(new Uint8Array(safe)).digest();
  const macData = sequence(
    sequence(sequence(oid(id.sha1), new asn1.Null()), octets(mac)),
    octets(salt),
    new asn1.Integer({ value: ITERATIONS }),
  );
  const version = new asn1.Integer({ value: 3 });
  return new Uint8Array(sequence(version, data(safe), macData).toBER());
}

/** Unlike any other in the store: Java keeps one entry for each name, and makes it lower-case. */
function friendlyName(certificate: X509Certificate): string {
  const { CN: commonName, OU: unit, O: organization } = certificate.toLegacyObject().subject;
  const [name = 'certificate'] = [commonName, unit, organization].flat().filter(Boolean);
  const mark = certificate.fingerprint256.replaceAll(':', '').slice(0, 16);
  return `${name} [${mark}]`.toLowerCase();
}

/**
 * The key of the MAC: RFC 7292 appendix B.2 with SHA-1 and purpose 3. One round of its outer loop makes 20 octets, all
 * that is needed.
 */
function macKey(password: string, salt: Uint8Array): Buffer {
  // B.1: UTF-16, most significant octet first, with two zero octets at the end.
  const secret = Buffer.from(`${password}\0`, 'utf16le').swap16();
  const block = 64;
  let key = createHash('sha1')
    .update(Buffer.alloc(block, 3))
    .update(repeatedToFill(salt, block))
    .update(repeatedToFill(secret, block))
    .digest();
  for (let round = 1; round < ITERATIONS; round += 1) key = createHash('sha1').update(key).digest();
  return key;
}

/** `bytes` again and again, up to the next whole number of blocks. */
function repeatedToFill(bytes: Uint8Array, block: number): Buffer {
  return Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
}
