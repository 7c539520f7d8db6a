import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSessionId, maskSessionId } from '../../src/runtime/session-id.ts';

test('session ids are sess_ and at least 96 bits that are safe in a URL, never the same twice', () => {
  const ids = new Set(Array.from({ length: 1000 }, createSessionId));
  assert.equal(ids.size, 1000);
  for (const id of ids) assert.match(id, /^sess_[A-Za-z0-9_-]{16,}$/);
});

test('a masked id shows its last four characters and no more', () => {
  assert.equal(maskSessionId('sess_abcdefghijklmnop'), '…mnop');
  assert.equal(maskSessionId('abcd'), '…');
});
