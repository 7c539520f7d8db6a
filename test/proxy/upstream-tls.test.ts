import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UpstreamTlsOptions } from '../../src/proxy/options.ts';
import { UpstreamTls } from '../../src/proxy/upstream-tls.ts';
import { TestAuthority } from '../e2e/support/test-authority.ts';

const authority = await TestAuthority.create();
const { cert, key } = await authority.client('tester');
const other = await authority.client('other');

describe('options for TLS with upstreams', () => {
  const refused: readonly [name: string, options: UpstreamTlsOptions, message: RegExp][] = [
    ['a file without certificates', { ca: ['hello'] }, /upstreamTls\.ca: .*PEM.*found none/],
    ['a key where certificates belong', { ca: [key] }, /upstreamTls\.ca: .*found none/],
    [
      'a certificate that cannot be read',
      { ca: [`${cert}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`] },
      /upstreamTls\.ca: certificate 2 of 2 cannot be read/,
    ],
    ['every host as insecure', { insecureHosts: ['*'] }, /upstreamTls\.insecureHosts: .*named/],
    ['no host as insecure', { insecureHosts: [''] }, /upstreamTls\.insecureHosts: .*got ""/],
    ['a URL as insecure', { insecureHosts: ['https://api.test/'] }, /upstreamTls\.insecureHosts: .*https/],
    [
      'a client certificate for every host',
      { clientCertificates: [{ host: '*', cert, key }] },
      /upstreamTls\.clientCertificates: .*named/,
    ],
    [
      'a client certificate and the key of another',
      { clientCertificates: [{ host: 'api.test', cert, key: other.key }] },
      /upstreamTls\.clientCertificates: .*api\.test.*mismatch/,
    ],
    [
      'a client certificate without a key',
      { clientCertificates: [{ host: 'api.test', cert, key: '' }] },
      /upstreamTls\.clientCertificates: .*api\.test.*only one/,
    ],
  ];
  for (const [name, options, message] of refused) {
    test(`refuse ${name}`, () => {
      assert.throws(() => new UpstreamTls(options), { name: 'TypeError', message });
    });
  }

  test('turn verification off for named hosts and what is below them, at the port that they name', () => {
    const tls = new UpstreamTls({ insecureHosts: ['.api.test', 'db.test:5433', '10.0.0.1', '[fe80::1]'] });
    const isVerified = (name: string, port = 443) => tls.securityFor(name, port).rejectUnauthorized;
    const insecure = ['api.test', 'API.test.', 'v2.api.test', '10.0.0.1', 'fe80::1'];
    assert.deepEqual(
      insecure.filter((name) => isVerified(name)),
      [],
    );
    assert.equal(isVerified('db.test', 5433), false);
    const secure = [
      'notapi.test',
      'api.test.example',
      'test',
      'db.test',
      '110.0.0.1',
      '10.0.0.10',
      'fe80::10',
    ];
    assert.deepEqual(
      secure.filter((name) => !isVerified(name)),
      [],
    );
  });

  test('make one context for all hosts, and one for each client certificate', () => {
    const tls = new UpstreamTls({ clientCertificates: [{ host: 'api.test', cert, key }] });
    const contextFor = (name: string) => tls.securityFor(name, 443).secureContext;
    assert.equal(contextFor('one.test'), contextFor('two.test'));
    assert.equal(contextFor('api.test'), contextFor('v2.api.test'));
    assert.notEqual(contextFor('api.test'), contextFor('one.test'));
  });
});
