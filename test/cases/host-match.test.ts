import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  compileHost,
  compileHostSuffix,
  HostSyntaxError,
  parseAuthority,
} from '../../src/cases/host-match.ts';
import { exampleHop } from '../support/example-hop.ts';

type Row = [rule: string, scheme: 'http' | 'https', host: string, matches: boolean];

describe('compileHost', () => {
  const rows: Row[] = [
    ['api.example.com', 'https', 'api.example.com', true],
    ['API.Example.com', 'https', 'api.EXAMPLE.com', true],
    ['api.example.com', 'http', 'api.example.com:8080', true],
    ['api.example.com:8080', 'http', 'api.example.com:8080', true],
    ['api.example.com:8080', 'http', 'api.example.com:8081', false],
    ['api.example.com:8080', 'http', 'api.example.com', false],
    ['api.example.com:80', 'http', 'api.example.com', true],
    ['api.example.com:443', 'https', 'api.example.com', true],
    ['api.example.com:443', 'http', 'api.example.com', false],
    ['api.example.com:80', 'http', 'api.example.com:80', true],
    ['api.example.com', 'http', 'api.example.com.', true],
    ['api.example.com', 'http', 'example.com', false],
    ['example.com', 'http', 'api.example.com', false],
    ['[::1]', 'http', '[::1]:8080', true],
    ['[::1]:8080', 'http', '[::1]:8080', true],
    ['[::1]:8081', 'http', '[::1]:8080', false],
    ['::1', 'http', '[::1]', true],
    ['[FE80::A]', 'http', '[fe80::a]', true],
    ['127.0.0.1', 'http', '127.0.0.1:9', true],
  ];
  for (const [rule, scheme, host, matches] of rows) {
    it(`${rule} ${matches ? 'matches' : 'does not match'} ${scheme}://${host}`, () => {
      assert.equal(compileHost(rule)(exampleHop({ scheme, host })), matches);
    });
  }

  it('refuses what is no host', () => {
    for (const host of [
      '',
      'https://api.example.com',
      'api.example.com/v1',
      'a b',
      'a:port',
      '.',
      'user@host',
      '*.example.com',
    ]) {
      assert.throws(() => compileHost(host), HostSyntaxError, host);
    }
  });
});

describe('compileHostSuffix', () => {
  const rows: Row[] = [
    ['stripe.com', 'https', 'stripe.com', true],
    ['stripe.com', 'https', 'api.stripe.com', true],
    ['stripe.com', 'https', 'a.b.STRIPE.com:444', true],
    ['stripe.com', 'https', 'notstripe.com', false],
    ['stripe.com', 'https', 'stripe.com.evil.org', false],
    ['.stripe.com', 'https', 'api.stripe.com', true],
    ['.stripe.com', 'https', 'stripe.com', true],
    ['*.stripe.com', 'https', 'api.stripe.com', true],
    ['stripe.com:443', 'https', 'api.stripe.com', true],
    ['stripe.com:8443', 'https', 'api.stripe.com', false],
    ['*', 'https', 'anything', true],
    ['localhost', 'http', 'localhost:3000', true],
  ];
  for (const [rule, scheme, host, matches] of rows) {
    it(`${rule} ${matches ? 'matches' : 'does not match'} ${scheme}://${host}`, () => {
      assert.equal(compileHostSuffix(rule)(exampleHop({ scheme, host })), matches);
    });
  }
});

describe('parseAuthority', () => {
  it('never fails, whatever the Host header says', () => {
    for (const text of ['', ':', '[', '[::1', 'a:b:c:d', '[]:80', '\u0000', 'x'.repeat(10_000)]) {
      assert.equal(typeof parseAuthority(text).name, 'string');
    }
  });
});
