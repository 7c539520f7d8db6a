import { X509Certificate } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** How a certificate becomes trusted by the system's own clients. */
export interface SystemTrust {
  /** Whose way it is, for people: `Debian, Ubuntu`. */
  readonly system: string;
  /** To be run in this order, each without a shell; the first word is the program. */
  readonly commands: readonly (readonly [string, ...string[]])[];
}

/** What is asked about a system; tests give their own answers. */
export interface SystemFacts {
  readonly platform: NodeJS.Platform;
  /** 0: root, who needs no sudo; undefined where there are no such numbers. */
  readonly uid: number | undefined;
  readonly home: string | undefined;
  /** Whether a program can be run by this name. */
  hasProgram(name: string): Promise<boolean>;
  hasPath(path: string): Promise<boolean>;
}

/** A family of systems that keep their roots alike; found by what is there and not by the name of a distribution. */
interface StoreKind {
  readonly system: string;
  readonly program: string;
  /** Where certificates are put for the program; undefined where the program takes them itself. */
  readonly folder?: string;
  readonly extension?: string;
  command(certFile: string): readonly [string, ...string[]];
}

const linuxStores: readonly StoreKind[] = [
  {
    system: 'Fedora, RHEL',
    program: 'update-ca-trust',
    folder: '/etc/pki/ca-trust/source/anchors',
    extension: '.pem',
    command: () => ['update-ca-trust', 'extract'],
  },
  // Before Debian: its program has the same name.
  {
    system: 'openSUSE',
    program: 'update-ca-certificates',
    folder: '/etc/pki/trust/anchors',
    extension: '.pem',
    command: () => ['update-ca-certificates'],
  },
  {
    system: 'Debian, Ubuntu, Alpine',
    program: 'update-ca-certificates',
    folder: '/usr/local/share/ca-certificates',
    extension: '.crt',
    command: () => ['update-ca-certificates'],
  },
  // Last: the program may be on any of the others too.
  {
    system: 'Arch',
    program: 'trust',
    command: (certFile) => ['trust', 'anchor', '--store', certFile],
  },
];

/**
 * The commands by which this system is told to trust a certificate.
 *
 * @param certFile absolute path of a PEM file with this one certificate
 * @returns undefined for a system that none of the known programs is on
 */
export async function systemTrust(
  certFile: string,
  certificate: string,
  facts: SystemFacts = thisSystem(),
): Promise<SystemTrust | undefined> {
  if (facts.platform === 'win32') {
    return { system: 'Windows', commands: [['certutil', '-user', '-addstore', 'Root', certFile]] };
  }
  if (facts.platform === 'darwin') {
    // The user's own keychain: needs no root, and trusts for nobody else.
    const keychain = `${facts.home ?? ''}/Library/Keychains/login.keychain-db`;
    return {
      system: 'macOS',
      commands: [['security', 'add-trusted-cert', '-r', 'trustRoot', '-k', keychain, certFile]],
    };
  }
  const asRoot = (command: readonly [string, ...string[]]): readonly [string, ...string[]] =>
    facts.uid === 0 ? command : ['sudo', ...command];
  for (const { system, program, folder, extension, command } of linuxStores) {
    if (!(await facts.hasProgram(program))) continue;
    if (folder === undefined) return { system, commands: [asRoot(command(certFile))] };
    if (!(await facts.hasPath(folder))) continue;
    // The same name for the same certificate: to do it twice changes nothing.
    const mark = new X509Certificate(certificate).fingerprint256.replaceAll(':', '').slice(0, 8);
    const target = `${folder}/softprobe-proxy-ca-${mark.toLowerCase()}${extension}`;
    // Readable by all whatever the umask: programs of other users look there.
    return {
      system,
      commands: [asRoot(['install', '-m', '0644', certFile, target]), asRoot(command(target))],
    };
  }
  return undefined;
}

function thisSystem(): SystemFacts {
  const { PATH: path = '', HOME: home } = process.env;
  // A user's PATH often lacks the folders of what only root runs; sudo has them.
  const folders = [...path.split(delimiter), '/usr/sbin', '/sbin'].filter((folder) => folder !== '');
  return {
    platform: process.platform,
    uid: process.geteuid?.(),
    home,
    async hasProgram(name) {
      const found = await Promise.all(folders.map((folder) => can(join(folder, name), constants.X_OK)));
      return found.includes(true);
    },
    hasPath: (name) => can(name, constants.F_OK),
  };
}

async function can(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  );
}
