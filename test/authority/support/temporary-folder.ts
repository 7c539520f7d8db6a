import { mkdtempSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';

const prefix = join(tmpdir(), 'softprobe-authority-');

/** An empty folder that is gone when the test is over. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(prefix);
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The same for all tests of a suite; called in its body. */
export function suiteFolder(): string {
  const folder = mkdtempSync(prefix);
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
