import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep, win32 } from 'node:path';
import { RuntimeError } from './errors.ts';

/** Bytes of one segment: file systems take 255, and the writer's temporary file needs room for its suffix. */
const MAX_SEGMENT = 200;
/** Bytes of the whole of `out`, so that a path stays under PATH_MAX (4096) with the folder before it. */
const MAX_PATH = 2048;

/**
 * Reads the `out` of a close call: the case file, relative to the capture folder. `.case.json` is added
 * where the name has no `.json` suffix. Looks at the text only; {@link openCaptureFolder} looks at the disk.
 *
 * @returns the segments of the path; the last one is the file name
 * @throws {RuntimeError} `invalid_request` for everything that could lead out of the folder
 */
export function parseOut(out: string): readonly string[] {
  if (out === '') throw refused('is empty');
  if (Buffer.byteLength(out) > MAX_PATH) throw refused(`is longer than ${MAX_PATH} bytes`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (/[\u0000-\u001f\u007f]/.test(out)) throw refused('contains a control character');
  if (out.includes('\\')) throw refused('contains a backslash; folders are separated by "/"');
  // The Windows form knows `/x`, `C:x` and `//server/share`, on every system alike.
  if (win32.parse(out).root !== '') throw refused('is an absolute path');
  if (out.endsWith('/')) throw refused('names a folder, not a file');
  const segments = out.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (segments.includes('..')) throw refused('contains ".."');
  const name = segments.pop();
  if (name === undefined) throw refused('names no file');
  segments.push(/\.json$/i.test(name) ? name : `${name}.case.json`);
  for (const segment of segments) {
    if (Buffer.byteLength(segment) > MAX_SEGMENT)
      throw refused(`has a name longer than ${MAX_SEGMENT} bytes`);
  }
  return segments;
}

/**
 * Makes sure that the folder of a case file exists (new folders are 0700) and lies inside the capture
 * folder also when symbolic links are followed.
 *
 * @param captureDir the capture folder
 * @param segments as {@link parseOut} gave them
 * @returns absolute path of the case file; whatever stands there already is replaced by the writer, not followed
 * @throws {RuntimeError} `invalid_request` when a link leads out of the capture folder
 * @throws the system's error when a folder cannot be created
 */
export async function openCaptureFolder(captureDir: string, segments: readonly string[]): Promise<string> {
  const root = resolve(captureDir);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const realRoot = await realpath(root);
  let folder = root;
  for (const segment of segments.slice(0, -1)) {
    folder = join(folder, segment);
    // One at a time: a recursive mkdir would follow a link before anybody could look at it.
    await mkdir(folder, { mode: 0o700 }).catch(ignoreExisting);
    const inside = relative(realRoot, await realpath(folder));
    if (inside === '..' || inside.startsWith(`..${sep}`) || resolve(inside) === inside) {
      throw refused('leads out of the capture folder by a symbolic link');
    }
  }
  return join(folder, segments.at(-1) ?? '');
}

/** The same for a file that the operator named (SOFTPROBE_CAPTURE_CASE_PATH): it may be anywhere. */
export async function openFolderOf(captureFile: string): Promise<string> {
  const path = resolve(captureFile);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  return path;
}

/** The file name for a case id, which may hold anything: letters, digits, `.`, `_` and `-` of it. */
export function fileNameOfCase(caseId: string, fallback: string): string {
  const safe = caseId
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[.-]+|[.-]+$/g, '');
  let name = safe;
  while (Buffer.byteLength(name) > MAX_SEGMENT - '.case.json'.length) name = name.slice(0, -1);
  return `${name === '' ? fallback : name.toWellFormed()}.case.json`;
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function refused(why: string): RuntimeError {
  return new RuntimeError(
    'invalid_request',
    `"out" ${why}: expected a file name relative to the capture folder, such as checkout.case.json or smoke/checkout.case.json`,
  );
}
