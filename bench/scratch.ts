import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a folder that is gone when the benchmark ends, however it ends. */
export function makeScratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'softprobe-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
