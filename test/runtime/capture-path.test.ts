import assert from 'node:assert/strict';
import { mkdir, readdir, realpath, stat, symlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { fileNameOfCase, openCaptureFolder, parseOut } from '../../src/runtime/capture-path.ts';
import { RuntimeError } from '../../src/runtime/errors.ts';
import { temporaryFolder } from './support/runtime-server.ts';

const refused = (error: unknown) => error instanceof RuntimeError && error.code === 'invalid_request';

const accepted: [out: string, segments: string[]][] = [
  ['checkout.case.json', ['checkout.case.json']],
  ['checkout', ['checkout.case.json']],
  ['checkout.json', ['checkout.json']],
  ['checkout.JSON', ['checkout.JSON']],
  ['a.b', ['a.b.case.json']],
  ['smoke/checkout', ['smoke', 'checkout.case.json']],
  ['./smoke//checkout', ['smoke', 'checkout.case.json']],
  ['..hidden', ['..hidden.case.json']],
  ['with space', ['with space.case.json']],
];
for (const [out, segments] of accepted) {
  test(`takes out=${JSON.stringify(out)}`, () => assert.deepEqual(parseOut(out), segments));
}

const hostile = [
  '',
  '.',
  '/',
  '/etc/cron.d/x.json',
  '..',
  '../x.json',
  'a/../../x.json',
  'a/..',
  'a/',
  'a\\..\\x.json',
  'C:\\x.json',
  'C:x.json',
  '//server/share/x.json',
  'x\0.json',
  'x\n.json',
  'a'.repeat(300),
  `${'a/'.repeat(2000)}b`,
];
for (const out of hostile) {
  test(`refuses out=${JSON.stringify(out.slice(0, 40))}`, () => assert.throws(() => parseOut(out), refused));
}

test('whatever out is, an accepted one stays inside the folder', () => {
  const piece = fc.constantFrom('..', '.', '/', '\\', 'a', '.json', '\0', 'C:', ' ', 'ü');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      let segments: readonly string[];
      try {
        segments = parseOut(pieces.join(''));
      } catch (error) {
        return refused(error);
      }
      return join(`${sep}root`, ...segments).startsWith(`${sep}root${sep}`) && !segments.includes('..');
    }),
  );
});

test('new folders below the capture folder are for their owner only', async (t) => {
  const folder = await temporaryFolder(t);
  const path = await openCaptureFolder(join(folder, 'captures'), ['a', 'b', 'x.case.json']);
  assert.equal(path, join(folder, 'captures', 'a', 'b', 'x.case.json'));
  for (const made of ['captures', 'captures/a', 'captures/a/b']) {
    assert.equal((await stat(join(folder, made))).mode & 0o777, 0o700, made);
  }
});

test('a symbolic link that leads out of the capture folder is refused, and nothing is made behind it', async (t) => {
  const captures = await temporaryFolder(t);
  const outside = await temporaryFolder(t);
  await symlink(outside, join(captures, 'link'));
  await assert.rejects(openCaptureFolder(captures, ['link', 'x.json']), refused);
  await assert.rejects(openCaptureFolder(captures, ['link', 'deep', 'x.json']), refused);
  assert.deepEqual(await readdir(outside), []);
});

test('a symbolic link that stays inside is followed, and so is a capture folder that is a link itself', async (t) => {
  const folder = await realpath(await temporaryFolder(t));
  await mkdir(join(folder, 'real', 'sub'), { recursive: true });
  await symlink(join(folder, 'real'), join(folder, 'captures'));
  await symlink(join(folder, 'real', 'sub'), join(folder, 'real', 'alias'));
  const path = await openCaptureFolder(join(folder, 'captures'), ['alias', 'x.json']);
  assert.equal(path, join(folder, 'captures', 'alias', 'x.json'));
});

const names: [caseId: string, name: string][] = [
  ['checkout happy path', 'checkout-happy-path.case.json'],
  ['../../etc/passwd', 'etc-passwd.case.json'],
  ['...', 'fallback.case.json'],
  ['', 'fallback.case.json'],
  ['a/b\\c:d', 'a-b-c-d.case.json'],
  ['größe', 'größe.case.json'],
  ['\0', 'fallback.case.json'],
];
for (const [caseId, name] of names) {
  test(`names the file of case ${JSON.stringify(caseId)}`, () => {
    assert.equal(fileNameOfCase(caseId, 'fallback'), name);
  });
}

test('a long case id gives a file name that fits, also in multi-byte letters', () => {
  assert.ok(Buffer.byteLength(fileNameOfCase('ü'.repeat(500), 'fallback')) <= 200);
  assert.ok(Buffer.byteLength(fileNameOfCase('\u{20000}'.repeat(500), 'fallback')) <= 200);
});
