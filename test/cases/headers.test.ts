import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  headerValue,
  headerValues,
  hopByHopNames,
  isHopByHop,
  recordedHeaders,
} from '../../src/cases/headers.ts';

const headers = ['Host', 'a', 'Set-Cookie', 'a=1', 'X-Empty', '', 'set-COOKIE', 'b=2', 'Set-Cookie2', 'c'];

test('finds fields whatever the case of their names', () => {
  assert.equal(headerValue(headers, 'set-cookie'), 'a=1');
  assert.deepEqual(headerValues(headers, 'set-cookie'), ['a=1', 'b=2']);
});

test('tells an empty value from a missing field', () => {
  assert.equal(headerValue(headers, 'x-empty'), '');
  assert.equal(headerValue(headers, 'x-missing'), undefined);
  assert.deepEqual(headerValues(headers, 'x-missing'), []);
});

test('does not take a value for a name', () => {
  assert.equal(headerValue(['x-a', 'host', 'x-b', 'v'], 'host'), undefined);
});

test('knows the hop-by-hop fields, and that trailer and via are none', () => {
  for (const name of ['connection', 'keep-alive', 'te', 'transfer-encoding', 'upgrade', 'proxy-connection']) {
    assert.equal(isHopByHop(name), true, name);
  }
  for (const name of ['trailer', 'via', 'host', 'content-length', 'cookie']) {
    assert.equal(isHopByHop(name), false, name);
  }
});

test('collects the names that Connection lists, less those known anyway', () => {
  const names = hopByHopNames(['Connection', 'close, X-Internal', 'connection', ' keep-alive ,x-other,, TE']);
  assert.deepEqual(names, new Set(['x-internal', 'x-other']));
});

test('a Connection that lists nothing of interest makes no set', () => {
  assert.equal(hopByHopNames(['Connection', 'close', 'Accept', '*/*']), undefined);
  assert.equal(hopByHopNames(['Connection', 'keep-alive, Upgrade']), undefined);
});

test('Connection cannot remove the fields that route and frame the message', () => {
  assert.equal(hopByHopNames(['Connection', 'host, content-length']), undefined);
});

test('a recording keeps end-to-end fields under lower-case names, repeats together', () => {
  const recorded = recordedHeaders([
    ...['Connection', 'x-secret-hop', 'X-Secret-Hop', '1', 'Accept', 'a', 'Transfer-Encoding', 'chunked'],
    ...[
      'Proxy-Foo',
      'x',
      'Proxy-Authorization',
      'Basic eA==',
      ':path',
      '/',
      'accept',
      'b',
      'Trailer',
      'x-sum',
    ],
  ]);
  assert.deepEqual(
    [...recorded],
    [
      ['accept', ['a', 'b']],
      ['trailer', ['x-sum']],
    ],
  );
});
