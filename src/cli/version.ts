import { readFileSync } from 'node:fs';

/** The interface of CONTRACT section 3 that this program speaks. */
export const specVersion = 'http-control-api@v1';
/** The version of its document shapes. */
export const schemaVersion = '1';

/** Version of this package; package.json lies two folders up from src/cli and from dist/cli alike. */
export function packageVersion(): string {
  const path = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}

/** What `--version` prints. */
export function versionLine(): string {
  return `softprobe-proxy ${packageVersion()} (spec ${specVersion})`;
}

/** The same for a program (schemas/cli/version.schema.json). */
export function versionFields() {
  return { cliVersion: packageVersion(), specVersion, schemaVersion };
}
