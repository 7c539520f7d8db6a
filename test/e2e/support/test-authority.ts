import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

/** A certificate and its key, as servers and clients are given them. */
export interface Credentials {
  /** PEM: the certificate, then those between it and the root. */
  readonly cert: string;
  /** PEM, PKCS#8. */
  readonly key: string;
}

/** From when to when a certificate is valid, in days from now. */
export interface Validity {
  readonly from: number;
  readonly to: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const VALID: Validity = { from: -1, to: 30 };
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** Names and addresses under which tests reach what listens on this machine. */
export const LOCAL_NAMES: readonly string[] = [
  '127.0.0.1',
  '::1',
  'localhost',
  'api.test',
  '*.api.test',
  'other.test',
];

/** A certificate authority of the tests' own: nobody trusts it unless told to. */
export class TestAuthority {
  /** PEM of its certificate: what a client needs to trust it. */
  readonly certificate: string;
  readonly #issuer: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  /** PEM of what stands between the leaves and the root. */
  readonly #chain: string;

  private constructor(issuer: x509.X509Certificate, keys: webcrypto.CryptoKeyPair, chain: string) {
    this.certificate = pemOf(issuer);
    this.#issuer = issuer;
    this.#keys = keys;
    this.#chain = chain;
  }

  static async create(name = 'Test CA', validity = VALID): Promise<TestAuthority> {
    const keys = await generateKeys();
    const extensions = await authorityExtensions(keys);
    const issuer = await x509.X509CertificateGenerator.createSelfSigned({
      ...common(`CN=${name}`, validity),
      keys,
      extensions,
    });
    return new TestAuthority(issuer, keys, '');
  }

  /** An authority whose certificate this one has signed. */
  async intermediate(name = 'Test intermediate CA', validity = VALID): Promise<TestAuthority> {
    const keys = await generateKeys();
    const issuer = await this.#sign(`CN=${name}`, keys, validity, await authorityExtensions(keys));
    return new TestAuthority(issuer, keys, pemOf(issuer) + this.#chain);
  }

  /** Credentials of a server. @param names DNS names and addresses */
  async server(names: readonly string[] = LOCAL_NAMES, validity = VALID): Promise<Credentials> {
    const keys = await generateKeys();
    const extensions = leafExtensions(names, x509.ExtendedKeyUsage.serverAuth);
    return await this.#credentials(`CN=${names[0]}`, keys, validity, extensions);
  }

  /** A certificate that has expired yesterday. */
  expired(names?: readonly string[]): Promise<Credentials> {
    return this.server(names, { from: -30, to: -1 });
  }

  /** A certificate that is valid from tomorrow on. */
  notYetValid(names?: readonly string[]): Promise<Credentials> {
    return this.server(names, { from: 1, to: 30 });
  }

  /** Credentials of a client. */
  async client(name: string): Promise<Credentials> {
    const keys = await generateKeys();
    const extensions = leafExtensions([], x509.ExtendedKeyUsage.clientAuth);
    return await this.#credentials(`CN=${name}`, keys, VALID, extensions);
  }

  async #credentials(
    subject: string,
    keys: webcrypto.CryptoKeyPair,
    validity: Validity,
    extensions: x509.Extension[],
  ): Promise<Credentials> {
    const leaf = await this.#sign(subject, keys, validity, extensions);
    return { cert: pemOf(leaf) + this.#chain, key: await pemOfKey(keys) };
  }

  async #sign(
    subject: string,
    keys: webcrypto.CryptoKeyPair,
    validity: Validity,
    extensions: x509.Extension[],
  ): Promise<x509.X509Certificate> {
    return await x509.X509CertificateGenerator.create({
      ...common(subject, validity),
      issuer: this.#issuer.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [...extensions, await x509.AuthorityKeyIdentifierExtension.create(this.#keys.publicKey)],
    });
  }
}

/** Credentials of a server that no authority has signed. */
export async function selfSigned(names: readonly string[] = LOCAL_NAMES): Promise<Credentials> {
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...common(`CN=${names[0]}`, VALID),
    keys,
    extensions: leafExtensions(names, x509.ExtendedKeyUsage.serverAuth),
  });
  return { cert: pemOf(certificate), key: await pemOfKey(keys) };
}

/** Only the first certificate: what a server sends that was set up without its chain. */
export function withoutChain({ cert, key }: Credentials): Credentials {
  const end = '-----END CERTIFICATE-----\n';
  return { cert: cert.slice(0, cert.indexOf(end) + end.length), key };
}

/** A folder for PEM files, for programs that are given such; it goes away with its contents. */
export class PemFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<PemFolder> {
    return new PemFolder(await mkdtemp(join(tmpdir(), 'softprobe-pem-')));
  }

  /** @returns absolute path of the file */
  async write(name: string, ...pem: readonly string[]): Promise<string> {
    const file = join(this.path, name);
    await writeFile(file, pem.join(''), { mode: 0o600 });
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

function common(name: string, { from, to }: Validity) {
  // Clients refuse a second certificate with the serial number of another one.
  const serialNumber = `01${randomBytes(15).toString('hex')}`;
  const now = Date.now();
  return {
    serialNumber,
    name,
    subject: name,
    notBefore: new Date(now + from * DAY_MS),
    notAfter: new Date(now + to * DAY_MS),
    signingAlgorithm: ALGORITHM,
  };
}

async function authorityExtensions({ publicKey }: webcrypto.CryptoKeyPair): Promise<x509.Extension[]> {
  return [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ];
}

function leafExtensions(names: readonly string[], usage: x509.ExtendedKeyUsage): x509.Extension[] {
  const alternatives = names.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name }) as const);
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([usage]),
    ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(alternatives)] : []),
  ];
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

async function pemOfKey({ privateKey }: webcrypto.CryptoKeyPair): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', privateKey);
  return x509.PemConverter.encode(der, 'PRIVATE KEY');
}
