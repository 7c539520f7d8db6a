import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { pemCertificates, systemRoots } from '../authority/index.ts';
import { compileHostSuffix, type HostMatcher, parseAuthority } from '../cases/index.ts';
import type { UpstreamTlsOptions } from './options.ts';

/** How the connections to one upstream are secured. */
export interface UpstreamSecurity {
  /** What is trusted, and what we show of ourselves. */
  readonly secureContext: SecureContext;
  /** Whether the upstream's certificate has to be good. */
  readonly rejectUnauthorized: boolean;
}

/** A certificate that some hosts are shown. */
interface ClientCertificate {
  readonly matches: HostMatcher;
  /** Of the host's name: the longer one wins where two match. */
  readonly length: number;
  readonly cert: string;
  readonly key: string;
}

/**
 * What TLS with upstreams goes by. Certificates are verified against the roots of the system and of Node, and
 * against those that the operator adds. Nothing turns that off but for hosts that are named one by one.
 */
export class UpstreamTls {
  readonly #ca: readonly string[];
  readonly #insecureHosts: readonly HostMatcher[];
  readonly #clientCertificates: readonly ClientCertificate[];
  readonly #contexts = new Map<ClientCertificate | undefined, SecureContext>();
  #roots: readonly string[] | undefined;

  /** @throws {TypeError} naming the option, when something in it is no certificate, no key or no host */
  constructor({ ca = [], insecureHosts = [], clientCertificates = [] }: UpstreamTlsOptions = {}) {
    this.#ca = ca.flatMap(readCertificates);
    this.#insecureHosts = insecureHosts.map((host) => compileHost('insecureHosts', host));
    this.#clientCertificates = clientCertificates
      .map(readClientCertificate)
      .sort((one, other) => other.length - one.length);
  }

  /**
   * @param name that the upstream's certificate has to be for: a DNS name or an address
   * @param port that is connected to
   */
  securityFor(name: string, port: number): UpstreamSecurity {
    const host = name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
    const hop = { host, scheme: 'https' } as const;
    const isInsecure = this.#insecureHosts.some((matches) => matches(hop));
    const clientCertificate = this.#clientCertificates.find(({ matches }) => matches(hop));
    return { secureContext: this.#contextFor(clientCertificate), rejectUnauthorized: !isInsecure };
  }

  /**
   * Made when it is first needed, and once: with some 170 roots it takes 10 ms and 1 MB, and reading those of
   * the system another 60 ms (measured). A connection that is given one costs nothing of that.
   */
  #contextFor(clientCertificate: ClientCertificate | undefined): SecureContext {
    let context = this.#contexts.get(clientCertificate);
    if (context === undefined) {
      this.#roots ??= systemRoots();
      context = createSecureContext({
        ca: [...this.#roots, ...this.#ca],
        // What the operator adds is trusted as it is: it may be an issuer that is no root itself.
        allowPartialTrustChain: this.#ca.length > 0,
        ...(clientCertificate && { cert: clientCertificate.cert, key: clientCertificate.key }),
      });
      this.#contexts.set(clientCertificate, context);
    }
    return context;
  }
}

/** The certificates of a bundle. @throws {TypeError} when there is none, or one that cannot be read */
function readCertificates(text: string): string[] {
  const certificates = pemCertificates(text);
  if (certificates.length === 0) {
    throw new TypeError(
      'upstreamTls.ca: expected certificates in PEM ("-----BEGIN CERTIFICATE-----"), found none',
    );
  }
  for (const [index, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch (error) {
      const message = `upstreamTls.ca: certificate ${index + 1} of ${certificates.length} cannot be read (${reasonOf(error)})`;
      throw new TypeError(message, { cause: error });
    }
  }
  return certificates;
}

/** @throws {TypeError} */
function readClientCertificate({
  host,
  cert,
  key,
}: {
  host: string;
  cert: string;
  key: string;
}): ClientCertificate {
  const matches = compileHost('clientCertificates', host);
  const expected = `upstreamTls.clientCertificates: expected a certificate and its key in PEM for ${host}`;
  if (cert === '' || key === '') throw new TypeError(`${expected}, got only one of them`);
  try {
    createSecureContext({ cert, key, ca: [] });
  } catch (error) {
    throw new TypeError(`${expected}, the key not encrypted (${reasonOf(error)})`, { cause: error });
  }
  return { matches, length: parseAuthority(host).name.replace(/^\*?\./, '').length, cert, key };
}

/** @throws {TypeError} */
function compileHost(option: keyof UpstreamTlsOptions, host: string): HostMatcher {
  const expected = `upstreamTls.${option}: expected the name of a host`;
  if (host === '*') throw new TypeError(`${expected}, got "*": every host needs to be named`);
  try {
    return compileHostSuffix(host);
  } catch (error) {
    throw new TypeError(`${expected} (${reasonOf(error)})`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
