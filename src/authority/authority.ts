import { resolve } from 'node:path';
import { AuthorityError } from './authority-error.ts';
import { type AuthorityFiles, readOrCreate, readOwnFiles } from './authority-files.ts';
import { defaultAuthorityFolder } from './folder.ts';
import type { Leaf, LeafSigner } from './leaf-signer.ts';
import { readSigningPair, refuseExpired, type SigningPair } from './signing-pair.ts';
import { subjectHost } from './subject-host.ts';

/** Where the authority is. */
export interface AuthorityOptions {
  /** Where our own is kept, and made on first use; by default {@link defaultAuthorityFolder} of this process. */
  folder?: string;
  /**
   * An authority of the user's own instead, PEM: certificate (the chain above it may follow in the same file) and key.
   * Both or none.
   */
  certFile?: string;
  keyFile?: string;
}

/**
 * Opens the authority; creates it on first use.
 *
 * @throws {AuthorityError} that names the file and says what to do
 */
export async function openAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const { certFile, keyFile, folder } = options;
  if (certFile === undefined && keyFile === undefined) {
    const files = await readOrCreate(resolve(folder ?? defaultAuthorityFolder(process.env)), async () => {
      const { createAuthorityTexts } = await import('./authority-certificate.ts');
      return createAuthorityTexts();
    });
    return new Authority(files);
  }
  if (certFile === undefined || keyFile === undefined) {
    throw new AuthorityError('unreadable', 'an authority of your own takes both certFile and keyFile');
  }
  return new Authority(await readOwnFiles(resolve(certFile), resolve(keyFile)));
}

/** Issues certificates for hosts. Made by {@link openAuthority}. */
export class Authority {
  /** Absolute path of the PEM certificate: what clients are told to trust. */
  readonly certFile: string;
  /** PEM: the authority's certificate, then those above it, if the file has any. */
  readonly certificate: string;
  readonly #files: AuthorityFiles;
  readonly #pair: SigningPair;
  #signer: Promise<LeafSigner> | undefined;

  /** @throws {AuthorityError} `invalid`, `mismatch` or `expired` */
  constructor(files: AuthorityFiles) {
    this.#files = files;
    this.#pair = readSigningPair(files);
    this.certFile = files.certFile;
    this.certificate = this.#pair.chain.map((certificate) => certificate.toString()).join('');
  }

  /**
   * Loads what issuing needs, so that the first {@link issue} does not have to: some 75 ms in which nothing else
   * runs. To be called when that does not hurt, such as before the first connection.
   */
  async prepare(): Promise<void> {
    await this.#loadSigner();
  }

  /**
   * Makes a certificate for a DNS name or an IP address, valid from yesterday for a week, and never longer than
   * the authority itself. Nothing is remembered: {@link LeafContexts} does that.
   *
   * @throws {AuthorityError} `host` for what is neither name nor address; `expired`
   */
  async issue(host: string): Promise<Leaf> {
    const whom = subjectHost(host);
    refuseExpired(this.#pair.chain[0], this.#files);
    const signer = await this.#loadSigner();
    return signer.sign(whom);
  }

  #loadSigner(): Promise<LeafSigner> {
    this.#signer ??= import('./leaf-signer.ts').then(({ LeafSigner }) => LeafSigner.create(this.#pair));
    return this.#signer;
  }
}
