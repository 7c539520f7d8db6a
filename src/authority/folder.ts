import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';
import { AuthorityError } from './authority-error.ts';

/**
 * The folder of the authority where none is named: `SOFTPROBE_CA_DIR`; else `softprobe` in the user's
 * configuration folder, which is `XDG_CONFIG_HOME` (where it is absolute: the XDG base directory specification
 * says to ignore others), `%APPDATA%`, `~/Library/Application Support` or `~/.config`.
 *
 * @throws {AuthorityError} `unwritable` when the user has no home folder
 */
export function defaultAuthorityFolder(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
): string {
  const { resolve, join } = platform === 'win32' ? win32 : posix;
  const named = environment.SOFTPROBE_CA_DIR;
  if (named) return resolve(named);
  return join(configurationFolder(environment, platform), 'softprobe');
}

function configurationFolder(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const { isAbsolute, join } = platform === 'win32' ? win32 : posix;
  const { XDG_CONFIG_HOME: xdg, APPDATA: appData } = environment;
  if (platform === 'win32') return appData || join(home(environment.USERPROFILE), 'AppData', 'Roaming');
  if (xdg && isAbsolute(xdg)) return xdg;
  return platform === 'darwin'
    ? join(home(environment.HOME), 'Library', 'Application Support')
    : join(home(environment.HOME), '.config');
}

/** @throws {AuthorityError} for a user that the system knows no home of, as in some containers */
function home(named: string | undefined): string {
  if (named) return named;
  try {
    return homedir();
  } catch (cause) {
    throw new AuthorityError(
      'unwritable',
      'no folder for the certificate authority: this user has no home; set SOFTPROBE_CA_DIR',
      { cause },
    );
  }
}
