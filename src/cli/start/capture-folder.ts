import { randomUUID } from 'node:crypto';
import { open, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CliFailure } from '../failure.ts';

/**
 * Makes sure, before anything listens, that case files can be written: in `folder`, or where it does not exist
 * yet, in the nearest folder above it that does (the first capture creates the rest). Writes a small file and
 * takes it away again, because permissions do not tell of a full or read-only disk.
 *
 * @param source the flag or variable that named the folder
 * @throws {CliFailure}
 */
export async function checkCaptureFolder(source: string, folder: string): Promise<void> {
  const existing = await nearestExisting(source, folder);
  const probe = join(existing, `.softprobe-${randomUUID()}`);
  try {
    const file = await open(probe, 'wx', 0o600);
    try {
      await file.writeFile('can captures be written here?\n');
    } finally {
      await file.close();
      await unlink(probe);
    }
  } catch (cause) {
    throw unusable(source, folder, `cannot be written (${reason(cause)})`, cause);
  }
}

/** The same for an exact case file. */
export async function checkCaptureFile(source: string, file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) throw unusable(source, file, 'is a folder; name the case file to write in it');
  await checkCaptureFolder(source, dirname(file));
}

async function nearestExisting(source: string, folder: string): Promise<string> {
  for (let candidate = folder; ; candidate = dirname(candidate)) {
    try {
      if ((await stat(candidate)).isDirectory()) return candidate;
      throw unusable(source, candidate, 'is not a folder');
    } catch (cause) {
      if (cause instanceof CliFailure) throw cause;
      const { code } = cause as NodeJS.ErrnoException;
      // ENOTDIR: something above is a file; the walk upwards ends there and says so.
      if (code !== 'ENOENT' && code !== 'ENOTDIR') {
        throw unusable(source, folder, `cannot be used (${reason(cause)})`, cause);
      }
    }
  }
}

function unusable(source: string, path: string, what: string, cause?: unknown): CliFailure {
  return new CliFailure(`${source}: ${path} ${what}; choose another place for captures`, {
    code: 'capture_folder_unusable',
    cause,
  });
}

function reason(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
