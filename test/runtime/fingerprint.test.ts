import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { requestFingerprint } from '../../src/runtime/fingerprint.ts';
import { exampleHop } from '../support/example-hop.ts';

const base = { body: '{"a":1,"b":[1,{"c":2,"d":3}]}' };
const fingerprint = requestFingerprint(exampleHop(base));

describe('requestFingerprint', () => {
  it('is 32 hex digits and the same in every process', () => {
    assert.match(fingerprint, /^[0-9a-f]{32}$/);
    assert.equal(requestFingerprint(exampleHop(base)), fingerprint);
  });

  it('does not see headers, member order, white space, content coding, or the case of method and host', () => {
    for (const changes of [
      { headers: [] },
      { body: ' { "b": [1, {"d": 3, "c": 2.0}], "a": 1 } ' },
      { body: gzipSync(base.body), headers: ['Content-Encoding', 'gzip'] },
      { method: 'post' },
      { host: 'API.Example.com' },
      { host: 'api.example.com:443' },
      { sessionId: 'another' },
    ]) {
      assert.equal(requestFingerprint(exampleHop({ ...base, ...changes })), fingerprint);
    }
  });

  it('sees method, host, port, path, query and body', () => {
    const others = [
      { method: 'PUT' },
      { host: 'api.example.org' },
      { host: 'api.example.com:8443' },
      { path: '/v1/charges/' },
      { query: undefined },
      { query: '' },
      { body: '{"a":1,"b":[{"c":2,"d":3},1]}' },
      { body: '{"a":1,"b":[1,[["c",2],["d",4]]]}' },
      { body: '[["a",1],["b",[1,{"c":2,"d":3}]]]' },
      { body: 'text' },
      { body: 'Text' },
      { body: null },
    ].map((changes) => requestFingerprint(exampleHop({ ...base, ...changes })));
    assert.equal(new Set([fingerprint, ...others]).size, others.length + 1);
  });

  it('takes bodies that nest deeper than the stack', () => {
    const deep = '['.repeat(200_000) + ']'.repeat(200_000);
    assert.match(requestFingerprint(exampleHop({ body: deep })), /^[0-9a-f]{32}$/);
  });
});
