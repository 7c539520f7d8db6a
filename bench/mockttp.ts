import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import { makeScratchFolder } from './scratch.ts';
import { Unavailable } from './unavailable.ts';
import type { Upstream } from './upstream.ts';

/**
 * A package of its own, outside ours: Mockttp 4.6.5 comes as 192 packages and 42 MB, for which `npm ci` of everybody
 * would have to wait. Its optional dependencies are left out (tls-impersonate is native code to imitate a browser's
 * handshake, and switched off by default; package.json pins it only since a lock file has to name some version).
 */
const folder = fileURLToPath(new URL('mockttp/', import.meta.url));

const INSTALL_TIMEOUT_MS = 180_000;

/** Mockttp as an intercepting forward proxy that answers nothing itself. */
export class Mockttp {
  readonly #child: Child;
  readonly pid: number;
  /** It is a forward proxy on one port, whatever is asked. */
  readonly proxy: string;
  /** PEM file of the authority that signs what it shows to clients. */
  readonly authority: string;

  private constructor(child: Child, proxy: string, authority: string) {
    this.#child = child;
    this.pid = child.pid;
    this.proxy = proxy;
    this.authority = authority;
  }

  /** @throws {Unavailable} when it is not installed and cannot be */
  static async start(
    upstream: Upstream,
    core: number | undefined,
    tell: (line: string) => void,
  ): Promise<Mockttp> {
    await requireInstalled(tell);
    const authority = join(makeScratchFolder(), 'authority.pem');
    const command = [process.execPath, join(folder, 'proxy.mjs'), authority];
    const child = new Child(command, core, { NODE_EXTRA_CA_CERTS: upstream.authority });
    return new Mockttp(child, await child.firstLine(), authority);
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}

async function requireInstalled(tell: (line: string) => void): Promise<void> {
  const wanted = readVersion('package-lock.json');
  if (wanted !== undefined && readVersion('node_modules/.package-lock.json') === wanted) return;
  tell(`installing Mockttp ${wanted} in bench/mockttp, once: some ten seconds, 42 MB`);
  const npm = spawn(
    'npm',
    ['ci', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: INSTALL_TIMEOUT_MS,
    },
  );
  let said = '';
  npm.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(0, 2000);
  });
  try {
    const [code] = await once(npm, 'close');
    if (code !== 0) throw new Error(firstErrors(said) || 'it took too long');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Unavailable(`npm could not install it (network?): ${reason}`, { cause: error });
  }
}

function firstErrors(said: string): string {
  const lines = said.split('\n').map((line) => line.replace('npm error', '').trim());
  return lines
    .filter((line) => line !== '')
    .slice(0, 3)
    .join('; ');
}

/** The version of Mockttp in a lock file; undefined where there is none. */
function readVersion(lock: string): string | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(folder, lock), 'utf8'));
    return (parsed as { packages: Record<string, { version: string }> }).packages['node_modules/mockttp']
      ?.version;
  } catch {
    // Not installed, or not wholly. npm writes the hidden lock file last.
    return undefined;
  }
}
