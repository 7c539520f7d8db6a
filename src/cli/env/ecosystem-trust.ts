import { X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Authority,
  pemBundle,
  pemCertificates,
  pkcs12TrustStore,
  systemRoots,
} from '../../authority/index.ts';
import { AtomicFile } from '../atomic-file.ts';
import { CliFailure } from '../failure.ts';
import { type TrustFiles, trustVariables } from './ecosystem-table.ts';

/** Java's own stores have this one. It keeps no secret: there are only certificates inside. */
const P12_PASSWORD = 'changeit';

/** Certificates that the user made programs trust by variables such as SSL_CERT_FILE. */
export interface UserTrust {
  /** PEM texts, none twice. */
  readonly certificates: readonly string[];
  /** Those of them that a variable adds to the roots of a program, such as NODE_EXTRA_CA_CERTS. */
  readonly added: readonly string[];
  /** Files that could not be read, each with the variables that name it: programs would have been without them as well. */
  readonly unreadable: readonly { readonly variable: string; readonly file: string; readonly code: string }[];
}

/** Reads the files that the variables of the environment name. */
export async function readUserTrust(environment: NodeJS.ProcessEnv): Promise<UserTrust> {
  const certificates = new Map<string, string>();
  const added = new Map<string, string>();
  const unreadable: UserTrust['unreadable'][number][] = [];
  const named = Array.from(trustVariables, ([variable, effect]) => ({
    variable,
    effect,
    file: environment[variable] ?? '',
  }));
  // Where these are set at all, most name the same file.
  for (const [file, places] of Map.groupBy(named, (place) => place.file)) {
    if (file === '') continue;
    try {
      for (const certificate of pemCertificates(await readFile(file, 'utf8')).filter(isCertificate)) {
        certificates.set(keyOf(certificate), certificate);
        if (places.some(({ effect }) => effect === 'add')) added.set(keyOf(certificate), certificate);
      }
    } catch (error) {
      const variable = places.map((place) => place.variable).join(', ');
      unreadable.push({ variable, file, code: (error as NodeJS.ErrnoException).code ?? String(error) });
    }
  }
  return { certificates: [...certificates.values()], added: [...added.values()], unreadable };
}

/** For people: what could not be read. */
export function unreadableLines({ unreadable }: UserTrust): string[] {
  return unreadable.map(
    ({ variable, file, code }) =>
      `${variable}: ${file} cannot be read (${code}), so nothing in it is trusted`,
  );
}

function isCertificate(text: string): boolean {
  try {
    return new X509Certificate(text).raw.length > 0;
  } catch {
    return false;
  }
}

/** The same for the same certificate, however its lines are broken. */
function keyOf(certificate: string): string {
  return certificate.replace(/-----[A-Z ]+-----|\s/g, '');
}

/**
 * Writes the files of {@link TrustFiles} into a folder, each at once: a program that reads one while it is
 * replaced sees all of the old one or all of the new one.
 *
 * @throws {CliFailure} when the folder cannot be written
 */
export async function writeTrustFiles(
  authority: Authority,
  user: UserTrust,
  folder: string,
): Promise<TrustFiles> {
  const own = pemCertificates(authority.certificate);
  const roots = [...systemRoots(), ...own];
  // SSL_CERT_FILE is often the system's own bundle, and Node itself counts NODE_EXTRA_CA_CERTS among the roots.
  const others = without(roots, user.certificates);
  const files = {
    added: join(folder, 'added.pem'),
    bundle: join(folder, 'bundle.pem'),
    p12: join(folder, 'truststore.p12'),
    phpFolder: join(folder, 'php'),
  };
  const store = await pkcs12TrustStore([...roots, ...others], P12_PASSWORD);
  await replaceFile(files.added, joined([...own, ...without(own, user.added)]));
  await replaceFile(files.bundle, joined([pemBundle(authority), ...others]));
  await replaceFile(files.p12, store);
  await makeFolder(files.phpFolder);
  await replaceFile(join(files.phpFolder, 'softprobe.ini'), phpSettings(files.bundle));
  return { ...files, p12Password: P12_PASSWORD };
}

function without(known: readonly string[], certificates: readonly string[]): string[] {
  const keys = new Set(known.map(keyOf));
  return certificates.filter((certificate) => !keys.has(keyOf(certificate)));
}

function joined(texts: readonly string[]): string {
  return texts.map((text) => (text.endsWith('\n') ? text : `${text}\n`)).join('');
}

/** What PHP's curl functions and its streams trust. */
function phpSettings(bundle: string): string {
  // Within double quotes PHP's ini files would end at a quote and put variables in.
  const path = `"${bundle.replace(/["\\$]/g, '\\$&')}"`;
  return `curl.cainfo=${path}\nopenssl.cafile=${path}\n`;
}

/** @throws {CliFailure} */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new CliFailure(`the trust files: ${folder} cannot be made (${code})`, {
      code: 'unwritable_file',
      cause,
    });
  }
}

async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  await using file = await AtomicFile.create('the trust files', path);
  await file.write([content]);
}
