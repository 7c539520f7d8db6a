import { resolve } from 'node:path';
import type { AuthorityOptions } from '../../authority/index.ts';
import { compileHostSuffix, HostSyntaxError } from '../../cases/index.ts';
import { UsageError } from '../failure.ts';
import { readChoice, readWord } from '../flag-value.ts';
import { type Arguments, flagValue, flagValues, isSet } from '../flags.ts';

/** A client certificate that was named for a host. Paths are absolute. */
export interface ClientCertificateFiles {
  readonly host: string;
  readonly certFile: string;
  /** The same as `certFile` where both are in one file. */
  readonly keyFile: string;
}

/** What the command line says about TLS, checked, with no file looked at yet. Paths are absolute. */
export interface TlsSettings {
  /** Undefined: TLS is tunnelled untouched, and no authority is needed. */
  readonly authority: AuthorityOptions | undefined;
  readonly passthroughHosts: readonly string[];
  readonly onUntrusted: 'fail' | 'tunnel';
  readonly upstreamCaFiles: readonly string[];
  readonly insecureHosts: readonly string[];
  readonly clientCertificates: readonly ClientCertificateFiles[];
}

/**
 * Reads the flags of {@link tlsFlags}.
 *
 * @throws {UsageError} that names the flag
 */
export function readTlsSettings(args: Arguments, environment: NodeJS.ProcessEnv): TlsSettings {
  const passthroughHosts = readHosts(args, 'tls-passthrough');
  const onUntrusted = flagValue(args, 'on-untrusted');
  const clientCertificates = flagValues(args, 'upstream-cert').map(readClientCertificate);
  const isIntercepting = !isSet(args, 'no-intercept');
  if (!isIntercepting) refuseWithoutInterception(args);
  return {
    authority: isIntercepting ? readAuthorityOptions(args, environment) : undefined,
    passthroughHosts,
    onUntrusted:
      onUntrusted === undefined ? 'fail' : readChoice('--on-untrusted', onUntrusted, ['fail', 'tunnel']),
    upstreamCaFiles: flagValues(args, 'upstream-ca').map((file) => readFile('--upstream-ca', file)),
    insecureHosts: readHosts(args, 'insecure-upstream').map(refuseEveryHost),
    clientCertificates,
  };
}

/**
 * Reads the flags of {@link authorityFlags}, and SOFTPROBE_CA_DIR.
 *
 * @throws {UsageError} that names the flag or variable
 */
export function readAuthorityOptions(args: Arguments, environment: NodeJS.ProcessEnv): AuthorityOptions {
  const certFile = readFileFlag(args, 'ca-cert');
  const keyFile = readFileFlag(args, 'ca-key');
  if (certFile !== undefined && keyFile === undefined) throw needsOther('--ca-cert', '--ca-key');
  if (keyFile !== undefined && certFile === undefined) throw needsOther('--ca-key', '--ca-cert');
  const folder = readFileFlag(args, 'ca-dir') ?? readFolderVariable(environment);
  return {
    ...(folder !== undefined && { folder }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
  };
}

function needsOther(given: string, missing: string): UsageError {
  return new UsageError(`${given}: needs ${missing} as well: a certificate is of no use without its key`);
}

function readFolderVariable({ SOFTPROBE_CA_DIR: folder }: NodeJS.ProcessEnv): string | undefined {
  return folder === undefined || folder === '' ? undefined : readFile('SOFTPROBE_CA_DIR', folder);
}

function readFileFlag(args: Arguments, flag: string): string | undefined {
  const text = flagValue(args, flag);
  return text === undefined ? undefined : readFile(`--${flag}`, text);
}

function readFile(source: string, text: string): string {
  return resolve(readWord(source, text));
}

/** What only interception can do must not be asked for in vain. */
function refuseWithoutInterception(args: Arguments): void {
  const vain = ['tls-passthrough', 'on-untrusted', 'ca-cert', 'ca-key'].find(
    (flag) => flagValues(args, flag).length > 0,
  );
  if (vain === undefined) return;
  throw new UsageError(`--no-intercept: tunnels all HTTPS, so --${vain} would have no effect; leave one out`);
}

function readHosts(args: Arguments, flag: string): string[] {
  return flagValues(args, flag).map((text) => readHostSuffix(`--${flag}`, text));
}

/** @returns `text`, which a rule's hostSuffix could be */
function readHostSuffix(source: string, text: string): string {
  try {
    compileHostSuffix(text);
  } catch (cause) {
    if (!(cause instanceof HostSyntaxError)) throw cause;
    throw new UsageError(`${source}: ${cause.message}`, { cause });
  }
  return text;
}

/** Trusting everybody is never what somebody needs to reach one host. */
function refuseEveryHost(host: string): string {
  if (host !== '*') return host;
  throw new UsageError(
    '--insecure-upstream: expected the name of a host, got "*"; name those that have no valid certificate',
  );
}

function readClientCertificate(text: string): ClientCertificateFiles {
  const source = '--upstream-cert';
  const [, host, certFile, keyFile] = /^([^=]+)=([^,]+)(?:,([^,]+))?$/.exec(text) ?? [];
  if (host === undefined || certFile === undefined) {
    throw new UsageError(
      `${source}: expected HOST=CERT.pem or HOST=CERT.pem,KEY.pem, got ${JSON.stringify(text)}`,
    );
  }
  return {
    host: readHostSuffix(source, host),
    certFile: readFile(source, certFile),
    keyFile: readFile(source, keyFile ?? certFile),
  };
}
