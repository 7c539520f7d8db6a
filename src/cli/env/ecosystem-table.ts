import { delimiter } from 'node:path';
import { javaOptions } from './ecosystem-java.ts';

/** Files that make a program trust our certificate authority. Absolute paths. */
export interface TrustFiles {
  /** Our authority, and what the user had added: for settings that add to a program's own roots. */
  readonly added: string;
  /** The system's roots as well: for settings that replace a program's own roots. */
  readonly bundle: string;
  /** The same as `bundle` in PKCS #12 (RFC 7292), for Java. */
  readonly p12: string;
  readonly p12Password: string;
  /** Folder with an ini file that names `bundle`, for PHP. */
  readonly phpFolder: string;
}

/** What a program has to be told so that it calls the world through the proxy. */
export interface EcosystemInput {
  /** Origin of the egress listener: `http://127.0.0.1:8084`. */
  readonly egressUrl: string;
  /** Ties what the program sends to one session, by the user name of its proxy. */
  readonly sessionId: string | undefined;
  /** Undefined: HTTPS passes untouched, and nobody has to trust us. */
  readonly trust: TrustFiles | undefined;
  /** What the program would have got: values that can be extended are. */
  readonly environment: NodeJS.ProcessEnv;
}

interface Setting {
  readonly names: readonly string[];
  /** Undefined: not needed, leave what is there. */
  readonly value: (input: EcosystemInput) => string | undefined;
}

const added = ({ trust }: EcosystemInput) => trust?.added;
const bundle = ({ trust }: EcosystemInput) => trust?.bundle;

/** The variables by which common programs find their proxy and their roots, and what they are to be. */
const settings: readonly Setting[] = [
  // Lower case too: curl reads no HTTP_PROXY in capitals (a CGI program gets that from a request's `Proxy` header).
  // Not ALL_PROXY: it also moves protocols that are not HTTP, which the egress listener does not speak.
  { names: ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'], value: proxyUrl },
  // Empty rather than absent: what a test stands on is mostly on this machine, which a usual NO_PROXY excludes.
  { names: ['NO_PROXY', 'no_proxy'], value: () => '' },
  // Node.js looks at HTTP_PROXY since 24 (22.21), and only on demand. Its fetch and its http module obey.
  { names: ['NODE_USE_ENV_PROXY'], value: () => '1' },
  // Node.js adds these to the roots that it was built with, for every TLS client in it.
  { names: ['NODE_EXTRA_CA_CERTS'], value: added },
  // Deno adds as well.
  { names: ['DENO_CERT'], value: added },
  // OpenSSL's own variable, hence Python's ssl and urllib, and Ruby; Go reads it too. It replaces.
  { names: ['SSL_CERT_FILE'], value: bundle },
  // The curl program, whatever TLS library it was built with.
  { names: ['CURL_CA_BUNDLE'], value: bundle },
  // Python's requests brings roots of its own (certifi) and would not look at SSL_CERT_FILE.
  { names: ['REQUESTS_CA_BUNDLE'], value: bundle },
  // So does the copy of requests inside pip.
  { names: ['PIP_CERT'], value: bundle },
  // The AWS SDKs and the aws program.
  { names: ['AWS_CA_BUNDLE'], value: bundle },
  // httplib2, which brings roots of its own (Google's API client for Python stands on it).
  { names: ['HTTPLIB2_CA_CERTS'], value: bundle },
  // git hands this to libcurl, which on its own does not read CURL_CA_BUNDLE.
  { names: ['GIT_SSL_CAINFO'], value: bundle },
  // git would send the session only when asked for it, by a 407 that never comes.
  {
    names: ['GIT_HTTP_PROXY_AUTHMETHOD'],
    value: ({ sessionId }) => (sessionId === undefined ? undefined : 'basic'),
  },
  // cargo, libcurl again.
  { names: ['CARGO_HTTP_CAINFO'], value: bundle },
  // Perl's LWP, which prefers the roots of Mozilla::CA to those that SSL_CERT_FILE names.
  { names: ['PERL_LWP_SSL_CA_FILE'], value: bundle },
  // PHP's curl functions have no variable for it but settings, which this one reads from one more folder.
  { names: ['PHP_INI_SCAN_DIR'], value: phpFolders },
  // Every Java virtual machine reads it, also one that a build tool starts; it says so on stderr.
  { names: ['JAVA_TOOL_OPTIONS'], value: javaOptions },
];

/**
 * Variables that name a PEM file of roots, which a user may have set: whether they add to a program's own roots or
 * replace them.
 */
export const trustVariables: ReadonlyMap<string, 'add' | 'replace'> = new Map(
  settings.flatMap(({ names, value }) => {
    const effect = value === added ? 'add' : 'replace';
    return value === added || value === bundle ? names.map((name) => [name, effect] as const) : [];
  }),
);

/** The variables of {@link settings} that have to be set, in their order. Pure. */
export function ecosystemVariables(input: EcosystemInput): Readonly<Record<string, string>> {
  const entries = settings.flatMap(({ names, value }) => {
    const text = value(input);
    return text === undefined ? [] : names.map((name) => [name, text] as const);
  });
  return Object.fromEntries(entries);
}

function proxyUrl({ egressUrl, sessionId }: EcosystemInput): string {
  if (sessionId === undefined) return egressUrl;
  // With some password: Node's fetch, among others, sends a user name only together with one.
  return egressUrl.replace('://', `://${encodeURIComponent(sessionId)}:x@`);
}

/** The empty first one stands for the folder that PHP was built with. */
function phpFolders({ trust, environment }: EcosystemInput): string | undefined {
  if (trust === undefined) return undefined;
  const existing = (environment.PHP_INI_SCAN_DIR ?? '').split(delimiter);
  return existing
    .filter((folder) => folder !== trust.phpFolder)
    .concat(trust.phpFolder)
    .join(delimiter);
}
