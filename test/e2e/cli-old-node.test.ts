import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { it } from 'node:test';
import { binPath } from '../cli/built-program.ts';

/** A Node.js on the PATH that is too old for us, if the machine has one. */
function findOldNode(): { path: string; version: string } | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'));
  for (const path of [...candidates, '/usr/bin/node'].filter((candidate) => existsSync(candidate))) {
    const version = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout.trim();
    if (Number(version.split('.')[0]) < 22) return { path, version };
  }
  return undefined;
}

const old = findOldNode();
it('says in one line which Node.js it needs', { skip: old ? false : 'no Node.js older than 22 here' }, () => {
  assert(old);
  const { status, stdout, stderr } = spawnSync(old.path, [binPath, '--version'], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.equal(stderr, `softprobe-proxy: needs Node.js 22.19 or newer, this is ${old.version}\n`);
});
