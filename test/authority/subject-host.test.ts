import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AuthorityError } from '../../src/authority/index.ts';
import { subjectHost } from '../../src/authority/subject-host.ts';
import { refused } from './support/refused.ts';

const label63 = 'a'.repeat(63);
/** 253 characters. */
const longest = `${label63}.${label63}.${label63}.${'b'.repeat(61)}`;

describe('the host that a certificate is for', () => {
  for (const [host, type, name] of [
    ['example.com', 'dns', 'example.com'],
    ['Api.EXAMPLE.com', 'dns', 'api.example.com'],
    ['example.com.', 'dns', 'example.com'],
    ['localhost', 'dns', 'localhost'],
    ['order_service', 'dns', 'order_service'],
    ['xn--bcher-kva.example', 'dns', 'xn--bcher-kva.example'],
    [longest, 'dns', longest],
    [`${longest}.`, 'dns', longest],
    ['127.0.0.1', 'ip', '127.0.0.1'],
    ['::1', 'ip', '::1'],
    ['[::1]', 'ip', '::1'],
    ['2001:DB8:0:0:0:0:0:1', 'ip', '2001:db8::1'],
    ['::ffff:127.0.0.1', 'ip', '::ffff:7f00:1'],
    ['fe80::1%eth0', 'ip', 'fe80::1'],
  ] as const) {
    it(`reads ${host.slice(0, 40)} as ${type}`, () => assert.deepEqual(subjectHost(host), { type, name }));
  }

  for (const host of [
    '',
    '.',
    '..',
    'a..b',
    '.example.com',
    'example.com..',
    '-a.example',
    '*.example.com',
    'exa mple',
    'a/b',
    'a:443',
    'a@b',
    'bücher.example',
    'a\0.example',
    'a\nb',
    'a,DNS:b',
    '[127.0.0.1]',
    '[::1',
    '[example.com]',
    '127.0.0.1%eth0',
    '::1::',
    `${label63}a.example`,
    `${longest}b`,
    'a'.repeat(1_000_000),
  ]) {
    it(`refuses ${JSON.stringify(host.slice(0, 40))}`, () => {
      assert.throws(() => subjectHost(host), refused('host', /expected a DNS name or an IP address$/));
    });
  }

  it('shows the start of what is too long', () => {
    assert.throws(
      () => subjectHost('*'.repeat(100_000)),
      (error: Error) => error.message.length < 200,
    );
  });

  it('comes to the same for what it has read, and refuses all else in its own words', () => {
    const nearly = fc.string({ unit: fc.constantFrom('a', '1', 'F', '.', ':', '-', '_', '%', '[', ']') });
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly, fc.domain(), fc.ipV4(), fc.ipV6()), (host) => {
        try {
          const read = subjectHost(host);
          assert.deepEqual(subjectHost(read.name), read);
          assert.equal(isIP(read.name) > 0, read.type === 'ip');
        } catch (error) {
          assert(error instanceof AuthorityError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });
});
