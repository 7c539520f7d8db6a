import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { type Authority, openAuthority, pemCertificates } from '../../src/authority/index.ts';
import { command } from './support/command.ts';
import { handshake } from './support/handshake.ts';
import { refused } from './support/refused.ts';
import { suiteFolder, temporaryFolder } from './support/temporary-folder.ts';

const DAY = 24 * 60 * 60 * 1000;
const longName = `${'a'.repeat(63)}.${'b'.repeat(63)}.example.com`;

/** Whole seconds, as certificates have them. */
const isNear = (text: string, expected: number) => Math.abs(Date.parse(text) - expected) < 60_000;

describe('a new authority', () => {
  const folder = suiteFolder();
  let authority: Authority;
  let certificate: X509Certificate;
  before(async () => {
    authority = await openAuthority({ folder });
    certificate = new X509Certificate(authority.certificate);
  });

  it('can be recognised in a list of trusted authorities', () => {
    assert.match(certificate.subject, /^O=softprobe-proxy\nCN=softprobe-proxy CA [0-9a-f]{8}$/);
  });

  it('signed itself with an EC P-256 key, and may sign leaves only', async () => {
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
    assert(certificate.verify(certificate.publicKey));
    assert(certificate.checkIssued(certificate));
    const text = await command('openssl', 'x509', '-in', authority.certFile, '-noout', '-text');
    assert.match(text, /Basic Constraints: critical\s+CA:TRUE, pathlen:0\n/);
    assert.match(text, /Key Usage: critical\s+Certificate Sign, CRL Sign\n/);
    assert.match(text, /Subject Key Identifier:/);
    assert.doesNotMatch(text, /Serial Number:\s+-/);
  });

  it('is valid from yesterday for ten years', () => {
    const now = Date.now();
    assert(isNear(certificate.validFrom, now - DAY), certificate.validFrom);
    assert.equal(new Date(certificate.validTo).getUTCFullYear(), new Date(now).getUTCFullYear() + 10);
  });

  it('is the same when it is opened again', async () => {
    const again = await openAuthority({ folder });
    assert.equal(again.certificate, authority.certificate);
    assert.equal(again.certFile, authority.certFile);
  });

  it('differs from that of another folder', async (context) => {
    const other = await openAuthority({ folder: await temporaryFolder(context) });
    assert.notEqual(new X509Certificate(other.certificate).subject, certificate.subject);
  });

  it('makes the folder, and those above it', async (context) => {
    const deep = join(await temporaryFolder(context), 'a', 'b');
    const { certFile } = await openAuthority({ folder: deep });
    assert.equal(certFile, join(deep, 'ca', 'certificate.pem'));
  });

  for (const host of ['api.example.com', 'localhost', longName, '127.0.0.1', '::1', 'under_score.internal']) {
    const shown = host.slice(0, 30);

    it(`issues a leaf for ${shown} that a client accepts for it`, async () => {
      const { certificate: cert, key } = await authority.issue(host);
      const names = await handshake({ cert, key }, { ca: authority.certificate, host });
      const expected = host === '::1' ? '0:0:0:0:0:0:0:1' : host;
      assert.equal(names, `${isIP(host) > 0 ? 'IP Address' : 'DNS'}:${expected}`);
    });

    it(`issues a leaf for ${shown} that OpenSSL's strict verification accepts`, async (context) => {
      const file = join(await temporaryFolder(context), 'leaf.pem');
      const { certificate: chain } = await authority.issue(host);
      await writeFile(file, chain);
      const option = isIP(host) > 0 ? '-verify_ip' : '-verify_hostname';
      const purpose = ['-x509_strict', '-purpose', 'sslserver', option, host];
      const output = await command('openssl', 'verify', ...purpose, '-CAfile', authority.certFile, file);
      assert.match(output, /: OK\n$/);
    });
  }

  it('issues leaves that a client refuses for another host', async () => {
    const { certificate: cert, key } = await authority.issue('api.example.com');
    const ca = authority.certificate;
    await assert.rejects(handshake({ cert, key }, { ca, host: 'www.example.com' }), {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
  });

  it('issues leaves that a client refuses who trusts another authority', async (context) => {
    const other = await openAuthority({ folder: await temporaryFolder(context) });
    const { certificate: cert, key } = await authority.issue('api.example.com');
    const wrong = handshake({ cert, key }, { ca: other.certificate, host: 'api.example.com' });
    await assert.rejects(wrong, { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
  });

  it('issues leaves that are valid from yesterday for a week, and says so', async () => {
    const { certificate: chain, expires } = await authority.issue('example.com');
    const leaf = new X509Certificate(chain);
    assert(isNear(leaf.validFrom, Date.now() - DAY), leaf.validFrom);
    assert(isNear(leaf.validTo, Date.now() + 7 * DAY), leaf.validTo);
    assert.equal(Math.floor(expires / 1000), Date.parse(leaf.validTo) / 1000);
  });

  it('issues leaves for servers only, that can sign nothing themselves', async (context) => {
    const file = join(await temporaryFolder(context), 'leaf.pem');
    await writeFile(file, (await authority.issue('example.com')).certificate);
    const text = await command('openssl', 'x509', '-in', file, '-noout', '-text');
    assert.match(text, /CA:FALSE/);
    assert.match(text, /Key Usage: critical\s+Digital Signature\n/);
    assert.match(text, /Extended Key Usage:\s+TLS Web Server Authentication\n/);
    assert.match(text, /Subject Key Identifier:/);
    assert.match(text, /Authority Key Identifier:/);
  });

  it('issues the leaf and then itself', async () => {
    const { certificate: chain, key } = await authority.issue('example.com');
    const [leaf = '', ...above] = pemCertificates(chain);
    assert.deepEqual(above, [authority.certificate]);
    assert(new X509Certificate(leaf).checkPrivateKey(createPrivateKey(key)));
    assert(new X509Certificate(leaf).verify(certificate.publicKey));
  });

  it('never uses its own key for a leaf, nor a serial number twice', async () => {
    const leaves = await Promise.all(
      Array.from({ length: 50 }, (_, index) => authority.issue(`${index}.example.com`)),
    );
    const serials = new Set(leaves.map(({ certificate: pem }) => new X509Certificate(pem).serialNumber));
    assert.equal(serials.size, leaves.length);
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
    const own = certificate.publicKey.export({ type: 'spki', format: 'pem' });
    for (const { key } of leaves) {
      assert.notEqual(createPublicKey(key).export({ type: 'spki', format: 'pem' }), own);
    }
  });

  it('has one key for the leaves of a process, made when it is prepared or first asked', async () => {
    const other = await openAuthority({ folder });
    await other.prepare();
    const [first, second] = await Promise.all([other.issue('a.example'), other.issue('b.example')]);
    assert.equal(first.key, second.key);
    assert.notEqual(first.key, (await authority.issue('a.example')).key);
  });

  it('refuses a host that no certificate can name', async () => {
    await assert.rejects(authority.issue('*.example.com'), refused('host', /"\*\.example\.com"/));
  });
});

describe('time', () => {
  it('ends a leaf no later than its authority', async (context) => {
    const authority = await openAuthority({ folder: await temporaryFolder(context) });
    const end = Date.parse(new X509Certificate(authority.certificate).validTo);
    context.mock.timers.enable({ apis: ['Date'], now: end - DAY });
    const { expires, certificate } = await authority.issue('example.com');
    assert.equal(Math.floor(expires / 1000) * 1000, end);
    assert.equal(Date.parse(new X509Certificate(certificate).validTo), end);
  });

  it('is over for an authority: it is opened no more, and issues no more', async (context) => {
    const folder = await temporaryFolder(context);
    const authority = await openAuthority({ folder });
    const end = Date.parse(new X509Certificate(authority.certificate).validTo);
    context.mock.timers.enable({ apis: ['Date'], now: end });
    const expired = refused(
      'expired',
      /ca\/certificate\.pem was valid until .* delete the folder .*\/ca: a new authority/,
    );
    await assert.rejects(openAuthority({ folder }), expired);
    await assert.rejects(authority.issue('example.com'), expired);
  });

  it('has not come yet for an authority where the clock is years late', async (context) => {
    const folder = await temporaryFolder(context);
    await openAuthority({ folder });
    context.mock.timers.enable({ apis: ['Date'], now: 0 });
    await assert.rejects(
      openAuthority({ folder }),
      refused('invalid', /here it is 1970-.* is this clock right/),
    );
  });
});
