import { realpath } from 'node:fs/promises';
import type { Scrubber, SecretFinding } from '../../cases/secrets/scrubber.ts';
import { CliFailure } from '../failure.ts';
import type { ProgressLine } from '../progress.ts';
import { readCase } from './read-case.ts';
import { rewriteCase, scrubCase } from './scrub-case.ts';

/** What became of one file. */
export interface ScrubbedFile {
  readonly path: string;
  /** Rewritten: only where `isCheck` is false, and only if something was found. */
  readonly changed: boolean;
  readonly findings: readonly SecretFinding[];
  /** Why it could not be gone through, or not be written. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** What became of all, and the failure whose exit code is the highest. */
export interface ScrubbedFiles {
  readonly files: readonly ScrubbedFile[];
  readonly worst: CliFailure | undefined;
}

/** Goes through all files: one that is no case does not keep the secrets in those after it. */
export async function scrubFiles(
  scrubber: Scrubber,
  paths: readonly string[],
  isCheck: boolean,
  progress: ProgressLine,
): Promise<ScrubbedFiles> {
  const files: ScrubbedFile[] = [];
  let worst: CliFailure | undefined;
  for (const path of paths) {
    try {
      files.push(await scrubFile(scrubber, path, isCheck, progress));
    } catch (error) {
      if (!(error instanceof CliFailure)) throw error;
      const { code, message } = error;
      files.push({ path, changed: false, findings: [], error: { code, message } });
      if (worst === undefined || error.exitCode > worst.exitCode) worst = error;
    }
  }
  return { files, worst };
}

async function scrubFile(
  scrubber: Scrubber,
  path: string,
  isCheck: boolean,
  progress: ProgressLine,
): Promise<ScrubbedFile> {
  const before = await readCase(path, progress);
  const total = before.traces.length;
  progress.begin(`scrubbing ${path}: ${total} hops`);
  const { document, findings } = scrubCase(scrubber, path, before, (done) =>
    progress.show(`scrubbing ${path}: ${done} of ${total} hops`),
  );
  const changed = !isCheck && findings.length > 0;
  if (changed) {
    progress.begin(`writing ${path}`);
    // A link stays one: what it leads to is written.
    await rewriteCase(await realpath(path), document);
  }
  return { path, changed, findings };
}
