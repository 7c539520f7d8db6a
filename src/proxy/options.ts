import type { Logger } from 'pino';
import type { Authority } from '../authority/index.ts';
import { nearestWord } from '../cases/index.ts';

/** `sp.service.name` where nobody gave one. */
export const DEFAULT_SERVICE_NAME = 'app';

/** How a proxy is started. Times are in milliseconds, sizes in bytes. */
export interface ProxyOptions {
  /** Where the ingress listener forwards to: `http://host:port`, no path. */
  appUrl: string;
  /** Where the egress listener forwards requests that name no other host: `http://host:port`, no path. */
  upstream?: string;
  /** Address that all listeners bind; 127.0.0.1 by default. Any other makes the egress an open proxy. */
  host?: string;
  /** Ports; 0 is any free one. Defaults: CONTRACT section 1. */
  ingressPort?: number;
  egressPort?: number;
  controlPort?: number;
  adminPort?: number;
  /** Folder for case files; `captures` in the working folder by default. */
  captureDir?: string;
  /** Exact file for the case of a session that is closed without `out`. */
  captureFile?: string;
  /** `sp.service.name`; `app` by default. */
  serviceName?: string;
  /**
   * What becomes of requests that belong to no session (CONTRACT section 2, step 6): `sole` ties them to the
   * open session while there is exactly one. By default they stay without.
   */
  fallbackSession?: 'sole';
  /** Kept of each body; 1 MiB by default. The traffic itself is never cut. */
  maxRecordedBody?: number;
  /** Read of a request body when a rule looks at it; 10 MiB by default. */
  maxRuleBody?: number;
  /** Of a request's and of a response's header section; 64 KiB by default. */
  maxHeaderBytes?: number;
  /** Idle time-out of sessions; one hour by default. */
  sessionTtlMs?: number;
  /** Most open sessions; 1000 by default. */
  maxSessions?: number;
  /** Connections to one upstream at a time; 1024 by default. */
  connectionsPerUpstream?: number;
  /** For requests under way when the proxy is closed; 10 s by default. */
  drainTimeoutMs?: number;
  /**
   * How TLS is looked into: with certificates for the names that clients ask for, issued by an authority that they
   * must trust. `false`: TLS passes untouched. By default with the authority of the user's configuration folder.
   */
  interception?: false | InterceptionOptions;
  /** How upstreams are verified, beyond the roots of the system and of Node. */
  upstreamTls?: UpstreamTlsOptions;
  /** Until a connection to an upstream stands; 5 s by default. */
  connectTimeoutMs?: number;
  /** Until a request's header section is complete, and until a response's arrives; 60 s and 300 s by default. */
  headerTimeoutMs?: number;
  /** What recordings hide beyond the usual secrets; `false` hides nothing. */
  redact?: false | { headers?: string[]; bodyPaths?: string[] };
  /** Write W3C Trace Context on what is forwarded for a session; true by default. */
  traceContext?: boolean;
  /** Demanded of every call to the control API, where given. */
  apiToken?: string;
  /** Told by `/v1/meta`. */
  version?: string;
  /** Silent by default. */
  logger?: Logger;
}

/** How the egress listener looks into TLS. */
export interface InterceptionOptions {
  /** Issues the certificates; the authority of the user's configuration folder by default. */
  authority?: Authority;
  /** Hosts whose TLS passes untouched, with all that is below them in the DNS. */
  passthroughHosts?: string[];
  /**
   * What becomes of a host for which a client refused our certificate: `fail` (default) goes on intercepting it,
   * `tunnel` lets it pass untouched from then on.
   */
  onUntrusted?: 'fail' | 'tunnel';
}

/** How upstreams are verified. */
export interface UpstreamTlsOptions {
  /** PEM texts of authorities that are trusted besides the system's. */
  ca?: string[];
  /** Hosts whose certificates are not verified, with all that is below them in the DNS. */
  insecureHosts?: string[];
  /** Client certificates, by host. */
  clientCertificates?: {
    /** The host, with all that is below it in the DNS. */
    host: string;
    /** PEM text: the certificate, and its chain. */
    cert: string;
    /** PEM text. */
    key: string;
  }[];
}

/** All of them: the compiler sees to it. */
const OPTION_NAMES: Readonly<Record<keyof ProxyOptions, true>> = {
  appUrl: true,
  upstream: true,
  host: true,
  ingressPort: true,
  egressPort: true,
  controlPort: true,
  adminPort: true,
  captureDir: true,
  captureFile: true,
  serviceName: true,
  fallbackSession: true,
  maxRecordedBody: true,
  maxRuleBody: true,
  maxHeaderBytes: true,
  sessionTtlMs: true,
  maxSessions: true,
  connectionsPerUpstream: true,
  drainTimeoutMs: true,
  interception: true,
  upstreamTls: true,
  connectTimeoutMs: true,
  headerTimeoutMs: true,
  redact: true,
  traceContext: true,
  apiToken: true,
  version: true,
  logger: true,
};

/**
 * Refuses options that do not exist: one that is misspelt would do nothing, without a word.
 *
 * @throws {TypeError} naming the nearest option
 */
export function refuseUnknownOptions(options: object): void {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(OPTION_NAMES, name)) continue;
    const near = nearestWord(name, Object.keys(OPTION_NAMES));
    throw new TypeError(
      `startProxy has no option ${JSON.stringify(name)}${near === undefined ? '' : ` (did you mean ${JSON.stringify(near)}?)`}`,
    );
  }
}
