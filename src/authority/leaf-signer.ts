import { randomBytes, webcrypto } from 'node:crypto';
import { randomSerialNumber } from './serial-number.ts';
import type { SigningPair } from './signing-pair.ts';
import type { SubjectHost } from './subject-host.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from './x509.ts';

const DAY = 24 * 60 * 60 * 1000;

/** Short, since nobody can revoke them; far below the 398 days that browsers allow. */
const LIFETIME = 7 * DAY;

/** For clients whose clock is slow. */
const BACK_DATED = DAY;

/**
 * The same for every host: what counts is the subject alternative name, a common name takes no more than 64 characters,
 * and an empty subject would make older clients stumble. Whoever looks at a certificate reads where it comes from.
 */
const subject = [{ O: ['softprobe-proxy'] }, { CN: ['intercepted by softprobe-proxy'] }];

/** A certificate for one host. */
export interface Leaf {
  /** PEM: the leaf, then the authority, then what stands above that one. */
  readonly certificate: string;
  /** PEM, PKCS#8. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

/** Makes leaves with the authority's key. All leaves of a process share one key, which is written nowhere. */
export class LeafSigner {
  readonly #authority: X509Certificate;
  readonly #authorityKey: webcrypto.CryptoKey;
  readonly #hash: string;
  /** What follows the leaf in its text. */
  readonly #chainText: string;
  readonly #publicKey: PublicKey;
  readonly #keyText: string;
  readonly #extensions: readonly Extension[];
  #latest: Promise<unknown> = Promise.resolve();

  private constructor(parts: {
    authority: X509Certificate;
    authorityKey: webcrypto.CryptoKey;
    hash: string;
    chainText: string;
    publicKey: PublicKey;
    keyText: string;
    extensions: readonly Extension[];
  }) {
    this.#authority = parts.authority;
    this.#authorityKey = parts.authorityKey;
    this.#hash = parts.hash;
    this.#chainText = parts.chainText;
    this.#publicKey = parts.publicKey;
    this.#keyText = parts.keyText;
    this.#extensions = parts.extensions;
  }

  static async create({ chain, key, signature }: SigningPair): Promise<LeafSigner> {
    const { subtle } = webcrypto;
    const authority = new X509Certificate(chain[0].raw);
    const pkcs8 = key.export({ type: 'pkcs8', format: 'der' });
    const authorityKey = await subtle.importKey('pkcs8', pkcs8, signature, false, ['sign']);
    const leafKeys = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
      'sign',
      'verify',
    ]);
    const publicKey = await PublicKey.create(leafKeys.publicKey);
    const keyText = PemConverter.encode(
      await subtle.exportKey('pkcs8', leafKeys.privateKey),
      PemConverter.PrivateKeyTag,
    );
    return new LeafSigner({
      authority,
      authorityKey,
      hash: signature.hash,
      chainText: chain.map((certificate) => certificate.toString()).join(''),
      publicKey,
      keyText: `${keyText}\n`,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        await SubjectKeyIdentifierExtension.create(publicKey),
        await authorityKeyIdentifier(authority),
      ],
    });
  }

  /**
   * One after another: writing a certificate takes 2 to 3 ms of this thread, and between two of them others get their
   * turn. The signature itself is made by another thread.
   */
  sign(host: SubjectHost): Promise<Leaf> {
    const signed = this.#latest.then(() => this.#signNow(host));
    // The next one begins whatever became of this one.
    this.#latest = signed.catch(() => undefined);
    return signed;
  }

  async #signNow({ type, name }: SubjectHost): Promise<Leaf> {
    const now = Date.now();
    const notBefore = Math.max(now - BACK_DATED, this.#authority.notBefore.getTime());
    const notAfter = Math.min(now + LIFETIME, this.#authority.notAfter.getTime());
    const leaf = await X509CertificateGenerator.create({
      subject,
      issuer: this.#authority.subjectName,
      serialNumber: randomSerialNumber(randomBytes(16)),
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
      publicKey: this.#publicKey,
      signingKey: this.#authorityKey,
      signingAlgorithm: { name: this.#authorityKey.algorithm.name, hash: this.#hash },
      extensions: [...this.#extensions, new SubjectAlternativeNameExtension([{ type, value: name }])],
    });
    return {
      certificate: `${leaf.toString('pem')}\n${this.#chainText}`,
      key: this.#keyText,
      expires: leaf.notAfter.getTime(),
    };
  }
}

/** The very octets of the authority's own key identifier: not everybody hashes the key as we do. */
function authorityKeyIdentifier(authority: X509Certificate): Promise<AuthorityKeyIdentifierExtension> {
  const own = authority.getExtension(SubjectKeyIdentifierExtension);
  return own === null
    ? AuthorityKeyIdentifierExtension.create(authority.publicKey)
    : Promise.resolve(new AuthorityKeyIdentifierExtension(own.keyId));
}
