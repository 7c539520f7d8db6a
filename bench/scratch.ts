import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** Makes a folder that is gone when the benchmark ends, however it ends. */
export function makeScratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'softprobe-bench-'));
  folders.push(folder);
  return folder;
}
