import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AuthorityError } from './authority-error.ts';

/** The two texts that make an authority, PEM. */
export interface AuthorityTexts {
  readonly certificate: string;
  readonly key: string;
}

/** The same with where they lie, and what to do when they are of no use. */
export interface AuthorityFiles extends AuthorityTexts {
  readonly certFile: string;
  readonly keyFile: string;
  /** The end of a message: `delete the folder …`. */
  readonly remedy: string;
}

/** Larger than any certificate chain; bytes. */
const MAX_FILE = 1024 * 1024;

/** What a process that was stopped while it created an authority left behind may be cleared away after this; ms. */
const LEFTOVER_AGE = 10 * 60 * 1000;
const leftoverName = /^\.ca-[0-9a-f]{16}$/;

/** @throws {AuthorityError} `unreadable` or `invalid` */
export async function readOwnFiles(certFile: string, keyFile: string): Promise<AuthorityFiles> {
  const [certificate, key] = await Promise.all([readText(certFile), readText(keyFile)]);
  return { certFile, keyFile, certificate, key, remedy: 'name another certificate and its key' };
}

/**
 * Reads the authority in `folder`, and creates it where there is none.
 *
 * It lies in a folder of its own, `ca`, with both its files. That one is written under another name and renamed:
 * of processes that start at once exactly one succeeds, the others take what it made, key and certificate always
 * belong together, and one that is stopped in the middle leaves no half authority. What is damaged is never
 * replaced, since people have told their systems to trust it.
 *
 * @param create makes the texts; called only where there is no authority
 * @throws {AuthorityError} `unreadable`, `unwritable` or `invalid`
 */
export async function readOrCreate(
  folder: string,
  create: () => Promise<AuthorityTexts>,
): Promise<AuthorityFiles> {
  const place = join(folder, 'ca');
  const existing = await readPlace(place);
  if (existing !== undefined) return existing;
  const texts = await create();
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await clearLeftovers(folder);
    await writePlace(folder, place, texts);
  } catch (cause) {
    throw new AuthorityError(
      'unwritable',
      `${place} cannot be created (${reason(cause)}): expected a folder that this user may write`,
      { cause },
    );
  }
  const created = await readPlace(place);
  if (created !== undefined) return created;
  throw new AuthorityError('unwritable', `${place} was created and is gone: does something clear ${folder}?`);
}

/**
 * Whether `folder` has an authority already, so that asking makes none.
 *
 * @throws {AuthorityError} `unreadable` or `invalid`
 */
export async function hasAuthority(folder: string): Promise<boolean> {
  return (await readPlace(join(folder, 'ca'))) !== undefined;
}

/** @returns undefined where there is no authority */
async function readPlace(place: string): Promise<AuthorityFiles | undefined> {
  let names: string[];
  try {
    names = await readdir(place);
  } catch (cause) {
    if (reason(cause) === 'ENOENT') return undefined;
    throw new AuthorityError(
      'unreadable',
      `${place} cannot be read (${reason(cause)}): expected a folder that this user may read`,
      { cause },
    );
  }
  // A rename replaces an empty folder, so that this is none yet.
  if (names.length === 0) return undefined;

  const remedy = `delete the folder ${place}: a new authority is made at the next start, and systems that trust this one have to be told anew`;
  const certFile = join(place, 'certificate.pem');
  const keyFile = join(place, 'key.pem');
  for (const file of [certFile, keyFile]) {
    const name = file.slice(place.length + 1);
    if (!names.includes(name)) throw new AuthorityError('invalid', `${file} is missing; ${remedy}`);
  }
  await keepToOurselves(place);
  const certificate = await readText(certFile, { isOurs: true });
  const key = await readText(keyFile, { isOurs: true });
  return { certFile, keyFile, certificate, key, remedy };
}

async function writePlace(folder: string, place: string, texts: AuthorityTexts): Promise<void> {
  const temporary = join(folder, `.ca-${randomBytes(8).toString('hex')}`);
  try {
    await mkdir(temporary, { mode: 0o700 });
    await writeDurably(join(temporary, 'key.pem'), texts.key);
    await writeDurably(join(temporary, 'certificate.pem'), texts.certificate);
    await rename(temporary, place);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    // Somebody was faster. Windows says EPERM where others say that the folder is not empty.
    if (['ENOTEMPTY', 'EEXIST'].includes(reason(error))) return;
    if (process.platform === 'win32' && reason(error) === 'EPERM' && (await isFolder(place))) return;
    throw error;
  }
}

/** On the disk before the rename is: a power cut must not leave the name with nothing in it. */
async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Not those of a process that is at it right now. They do no harm, so that one which cannot be removed may stay. */
async function clearLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!leftoverName.test(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs < LEFTOVER_AGE) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function keepToOurselves(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch((cause: unknown) => {
    // Windows opens no folders; rights there come from the user's profile.
    if (process.platform === 'win32') return undefined;
    throw unreadable(folder, cause);
  });
  try {
    if (handle !== undefined) await tighten(folder, handle);
  } finally {
    await handle?.close();
  }
}

/**
 * Takes rights from others: looser ones come of copying and unpacking, and what belongs to us nobody else can have
 * written unless we let them. What belongs to another user could be that one's own authority, put here to read our
 * traffic; root alone may use it, as in `sudo softprobe-proxy ca trust`.
 */
async function tighten(path: string, handle: FileHandle): Promise<void> {
  const ourselves = process.geteuid?.();
  if (ourselves === undefined) return;
  const { uid, mode } = await handle.stat();
  if (uid !== ourselves && ourselves !== 0) {
    throw new AuthorityError(
      'unreadable',
      `${path} belongs to another user (${uid}, we are ${ourselves}); use a folder of your own, or name certificate and key as files`,
    );
  }
  if ((mode & 0o077) === 0) return;
  try {
    await handle.chmod(mode & 0o700);
  } catch (cause) {
    throw new AuthorityError(
      'unreadable',
      `${path} can be used by others, and their rights cannot be taken away (${reason(cause)}); expected mode ${(mode & 0o700).toString(8)}`,
      { cause },
    );
  }
}

/**
 * @param options.isOurs the file was made by us: nobody else may have rights on it
 * @throws {AuthorityError}
 */
async function readText(path: string, { isOurs = false } = {}): Promise<string> {
  try {
    // Asked before it is opened: opening a pipe would wait for a writer.
    const { size, isRegular } = await stat(path).then((found) => ({
      size: found.size,
      isRegular: found.isFile(),
    }));
    if (!isRegular) throw new AuthorityError('unreadable', `${path}: expected a file, got something else`);
    if (size > MAX_FILE) {
      throw new AuthorityError(
        'invalid',
        `${path}: expected a PEM file, got ${size} bytes, too many for one`,
      );
    }
    const handle = await open(path, 'r');
    try {
      if (isOurs) await tighten(path, handle);
      return await handle.readFile('utf8');
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof AuthorityError) throw cause;
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): AuthorityError {
  const what = reason(cause) === 'ENOENT' ? 'does not exist' : `cannot be read (${reason(cause)})`;
  return new AuthorityError('unreadable', `${path} ${what}`, { cause });
}

function reason(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
