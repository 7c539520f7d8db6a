import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import {
  type Authority,
  AuthorityError,
  type AuthorityOptions,
  openAuthority,
  pemCertificates,
} from '../../authority/index.ts';
import type { ProxyOptions } from '../../proxy/index.ts';
import { CliFailure } from '../failure.ts';
import type { ClientCertificateFiles, TlsSettings } from './tls-settings.ts';

/** TLS as the proxy takes it. */
export interface OpenTls {
  /** Undefined where nothing is intercepted. */
  readonly authority: Authority | undefined;
  readonly options: Required<Pick<ProxyOptions, 'interception' | 'upstreamTls'>>;
}

/**
 * Opens the authority and reads the files that the flags name: before anything listens, so that a mistake is
 * told at once and not by the first request that needs them.
 *
 * @throws {CliFailure} that names the flag and the file, and says what to do
 */
export async function openTls(settings: TlsSettings): Promise<OpenTls> {
  const ca = (await Promise.all(settings.upstreamCaFiles.map(readUpstreamCa))).flat();
  const clientCertificates = await Promise.all(settings.clientCertificates.map(readClientCertificate));
  const authority = settings.authority && (await openNamedAuthority(settings.authority));
  const { passthroughHosts, onUntrusted, insecureHosts } = settings;
  return {
    authority,
    options: {
      interception: authority ? { authority, passthroughHosts: [...passthroughHosts], onUntrusted } : false,
      upstreamTls: { ca, insecureHosts: [...insecureHosts], clientCertificates },
    },
  };
}

/**
 * Opens the authority that flags or the environment name, and makes it where there is none yet.
 *
 * @throws {CliFailure} that says what to do
 */
export async function openNamedAuthority(options: AuthorityOptions): Promise<Authority> {
  try {
    return await openAuthority(options);
  } catch (cause) {
    if (!(cause instanceof AuthorityError)) throw cause;
    const isOwn = options.certFile !== undefined;
    const remedy = isOwn
      ? 'give another --ca-cert and --ca-key, leave both out to use an authority of this program'
      : 'name another folder by --ca-dir or SOFTPROBE_CA_DIR';
    const message = `the certificate authority: ${cause.message}; ${remedy}, or leave HTTPS alone by --no-intercept`;
    throw new CliFailure(message, { code: `authority_${cause.code}`, cause });
  }
}

async function readUpstreamCa(file: string): Promise<string[]> {
  const text = await readText('--upstream-ca', file);
  const certificates = pemCertificates(text);
  if (certificates.length === 0) {
    throw unusable('--upstream-ca', file, 'has no certificate in PEM form (-----BEGIN CERTIFICATE-----)');
  }
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      throw unusable('--upstream-ca', file, 'has a certificate that cannot be read', cause);
    }
  }
  return certificates;
}

async function readClientCertificate({ host, certFile, keyFile }: ClientCertificateFiles) {
  const source = '--upstream-cert';
  const cert = await readText(source, certFile);
  const key = keyFile === certFile ? cert : await readText(source, keyFile);
  if (pemCertificates(cert).length === 0) throw unusable(source, certFile, 'has no certificate in PEM form');
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const what = `has no private key that fits the certificate for ${host} (${(cause as Error).message})`;
    throw unusable(source, keyFile, what, cause);
  }
  return { host, cert, key };
}

async function readText(source: string, file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw unusable(source, file, `cannot be read (${(cause as NodeJS.ErrnoException).code})`, cause);
  }
}

function unusable(source: string, file: string, what: string, cause?: unknown): CliFailure {
  return new CliFailure(`${source}: ${file} ${what}`, { code: 'tls_file_unusable', cause });
}
