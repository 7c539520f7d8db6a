import type { Logger } from 'pino';

/** OpenSSL's names of the alerts by which a client refuses a certificate (RFC 8446 section 6.2). */
const REFUSAL =
  /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REVOKED|EXPIRED))/;

/** Hosts that are remembered; more of them than a service calls means that nobody trusts anything. */
const MAX_HOSTS = 1024;

/** A TLS client whose handshake failed. */
export interface FailedClient {
  /** The host that it wanted. */
  readonly host: string;
  /** Address and port that it came from. */
  readonly address: string;
  /** What it calls itself, where it did. */
  readonly userAgent: string | undefined;
}

export interface UntrustingClientsOptions {
  /** The certificate that a client has to trust. */
  readonly certFile: string;
  /** `tunnel`: a host for which our certificate was refused is let pass untouched from then on. */
  readonly onUntrusted: 'fail' | 'tunnel';
  readonly logger: Logger | undefined;
}

/** Clients that do not take our certificates: told once for each host, and let pass where that was asked for. */
export class UntrustingClients {
  readonly #options: UntrustingClientsOptions;
  readonly #hosts = new Set<string>();

  constructor(options: UntrustingClientsOptions) {
    this.#options = options;
  }

  /** Whether a host passes untouched because a client did not take our certificate for it. */
  passes(host: string): boolean {
    return this.#options.onUntrusted === 'tunnel' && this.#hosts.has(host);
  }

  /**
   * A handshake did not come to its end.
   *
   * @param error what the client or OpenSSL had to say; undefined where the client closed without a word, as
   * Node.js does when it refuses a certificate
   */
  noteFailure(client: FailedClient, error: NodeJS.ErrnoException | undefined): void {
    const { logger, onUntrusted, certFile } = this.#options;
    const { host, address } = client;
    const userAgent = client.userAgent === undefined ? undefined : plain(client.userAgent);
    const about = { host, client: address, ...(userAgent !== undefined && { userAgent }) };
    if (error !== undefined && !REFUSAL.test(error.code ?? '')) {
      logger?.info(
        { ...about, code: error.code },
        `the TLS handshake of a client failed: ${error.message.trim()}`,
      );
      return;
    }
    if (this.#hosts.has(host)) {
      logger?.debug(about, 'a client refused our certificate again');
      return;
    }
    if (this.#hosts.size < MAX_HOSTS) this.#hosts.add(host);
    const who = userAgent === undefined ? address : `${userAgent} (${address})`;
    const refused = error === undefined ? 'closed the connection at' : 'refused';
    const next =
      onUntrusted === 'tunnel'
        ? `${host} passes untouched from now on, unrecorded`
        : `or let ${host} pass untouched by --tls-passthrough ${host}`;
    logger?.warn(
      about,
      `the client ${who} ${refused} our certificate for ${host}: make it trust ${certFile} (softprobe-proxy env prints what to set, softprobe-proxy run sets it; Node.js: NODE_EXTRA_CA_CERTS); ${next}`,
    );
  }
}

/** What a client says of itself, so that no terminal acts on it, and as much as a line can take. */
function plain(userAgent: string): string {
  return userAgent.slice(0, 200).replace(/[^\x20-\x7e]/g, '?');
}
