import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { CaseFolder, caseOf } from './support/case-folder.ts';
import { cli } from './support/cli.ts';

test('what an archive calls its case does not reach the terminal as it is', async () => {
  await using folder = await CaseFolder.create();
  await folder.write('named.case.json', { ...caseOf({}), caseId: 'a\u001b[31m\u009b31m' });
  const har = folder.at('named.har');
  await cli(['export', 'har', '--case', folder.at('named.case.json'), '--out', har]);
  const { code, stdout } = await cli(['import', 'har', har, '--out', folder.at('back.case.json')]);
  assert.equal(code, 0);
  assert.match(stdout, /case a\\u\{1b\}\[31m\\u\{9b\}31m, 1 hop\n$/);
});

test('a case that is nested too deeply to be written is no defect of ours', async () => {
  await using folder = await CaseFolder.create();
  const path = await folder.write('deep.case.json', caseOf({}));
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  await folder.write(
    'deep.case.json',
    (await folder.read('deep.case.json')).replace('{', `{"more":${deep},`),
  );
  const { code, stderr } = await cli(['export', 'har', '--case', path, '--out', folder.at('deep.har')]);
  assert.deepEqual([code, stderr], [5, 'softprobe-proxy: a document is nested too deeply\n']);
});

test('a file without an end is given up, and not taken for as large as it says', {
  skip: isMissing('/dev/zero'),
}, async () => {
  for (const line of [
    ['inspect', 'case', '/dev/zero'],
    ['validate', 'rules', '/dev/zero'],
  ]) {
    const { code, stdout, stderr } = await cli(line);
    assert.equal(code, 1, stderr);
    assert.match(stdout + stderr, /\/dev\/zero has more than \d+ bytes/);
  }
});

function isMissing(path: string): boolean {
  return !existsSync(path);
}
