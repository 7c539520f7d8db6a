import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { checkCaptureFile, checkCaptureFolder } from '../../../src/cli/start/capture-folder.ts';

describe('the check of the capture folder', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'softprobe-captures-'));
    await writeFile(join(folder, 'file'), '');
    await mkdir(join(folder, 'cases'));
  });
  after(() => rm(folder, { recursive: true }));

  it('accepts a folder and leaves nothing behind', async () => {
    await checkCaptureFolder('--capture-dir', join(folder, 'cases'));
    assert.deepEqual(await readdir(join(folder, 'cases')), []);
  });

  it('accepts a folder that can be created later, and does not create it', async () => {
    await checkCaptureFolder('--capture-dir', join(folder, 'new', 'deep'));
    assert.deepEqual((await readdir(folder)).toSorted(), ['cases', 'file']);
  });

  for (const path of ['file', 'file/below']) {
    it(`refuses ${path}, which is no folder`, async () => {
      await assert.rejects(checkCaptureFolder('--capture-dir', join(folder, path)), {
        name: 'CliFailure',
        exitCode: 1,
        message: `--capture-dir: ${join(folder, 'file')} is not a folder; choose another place for captures`,
      });
    });
  }

  it('refuses a file system that takes no files', { skip: process.platform !== 'linux' }, async () => {
    await assert.rejects(checkCaptureFolder('--capture-dir', '/proc/self'), {
      name: 'CliFailure',
      message: /^--capture-dir: \/proc\/self cannot be written \(E[A-Z]+\)/,
    });
  });

  it('refuses a case file that is a folder', async () => {
    await assert.rejects(checkCaptureFile('SOFTPROBE_CAPTURE_CASE_PATH', join(folder, 'cases')), {
      message: /^SOFTPROBE_CAPTURE_CASE_PATH: .* is a folder/,
    });
  });
});
