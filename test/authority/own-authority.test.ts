import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { openAuthority, pemCertificates } from '../../src/authority/index.ts';
import { command } from './support/command.ts';
import { handshake } from './support/handshake.ts';
import { refused } from './support/refused.ts';
import { suiteFolder } from './support/temporary-folder.ts';

const asAuthority = ['-addext', 'basicConstraints=critical,CA:TRUE'];
const maySign = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];
const subject = ['-subj', '/C=DE/O=Ann & Söhne, "Ltd"/emailAddress=ca@example.com/CN=Our CA', '-utf8'];

describe('an authority of the user’s own', () => {
  const folder = suiteFolder();
  const path = (name: string) => join(folder, name);

  /** A self-signed certificate and its key, as `NAME.pem` and `NAME.key`, made by OpenSSL. */
  const make = (name: string, newKey: string[], ...options: string[]) => {
    const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)];
    return command(
      'openssl',
      'req',
      '-x509',
      '-nodes',
      '-days',
      '30',
      '-newkey',
      ...newKey,
      ...files,
      ...options,
    );
  };
  const ec = (curve: string) => ['ec', '-pkeyopt', `ec_paramgen_curve:${curve}`];
  const open = (name: string, keyName = `${name}.key`) =>
    openAuthority({ certFile: path(`${name}.pem`), keyFile: path(keyName) });

  before(async () => {
    await Promise.all([
      make('p256', ec('P-256'), ...subject, ...asAuthority, ...maySign),
      make('p384', ec('P-384'), ...subject, ...asAuthority, ...maySign),
      make('p521', ec('P-521'), '-subj', '/CN=521', ...asAuthority, ...maySign),
      make('rsa', ['rsa:2048'], ...subject, ...asAuthority, ...maySign),
    ]);
    const p256 = path('p256.key');
    const rsa = path('rsa.key');
    await Promise.all([
      command('openssl', 'ec', '-in', p256, '-out', path('sec1.key')),
      command('openssl', 'rsa', '-in', rsa, '-traditional', '-out', path('pkcs1.key')),
      command('openssl', 'pkcs8', '-topk8', '-in', p256, '-passout', 'pass:x', '-out', path('locked.key')),
      command(
        'openssl',
        'rsa',
        '-in',
        rsa,
        '-traditional',
        '-aes128',
        '-passout',
        'pass:x',
        '-out',
        path('old.key'),
      ),
    ]);
  });

  for (const [what, cert, key, signature] of [
    ['EC P-256', 'p256', 'p256.key', 'ecdsa-with-SHA256'],
    ['EC P-384', 'p384', 'p384.key', 'ecdsa-with-SHA384'],
    ['EC P-521', 'p521', 'p521.key', 'ecdsa-with-SHA512'],
    ['RSA', 'rsa', 'rsa.key', 'sha256WithRSAEncryption'],
    ['EC with a SEC1 key', 'p256', 'sec1.key', 'ecdsa-with-SHA256'],
    ['RSA with a PKCS#1 key', 'rsa', 'pkcs1.key', 'sha256WithRSAEncryption'],
  ] as const) {
    it(`issues leaves that clients accept: ${what}`, async () => {
      const authority = await open(cert, key);
      assert.equal(authority.certFile, path(`${cert}.pem`));
      const leaf = await authority.issue('api.example.com');
      const ca = authority.certificate;
      await handshake({ cert: leaf.certificate, key: leaf.key }, { ca, host: 'api.example.com' });

      const file = path(`leaf-of-${key}`);
      await writeFile(file, leaf.certificate);
      assert.match(await command('openssl', 'x509', '-in', file, '-noout', '-text'), new RegExp(signature));
      const strict = ['-x509_strict', '-purpose', 'sslserver'];
      assert.match(
        await command('openssl', 'verify', ...strict, '-CAfile', authority.certFile, file),
        /OK\n$/,
      );
    });
  }

  it('is named by its leaves in the very octets of its own name', async () => {
    const authority = await open('p256');
    const [leaf = ''] = pemCertificates((await authority.issue('example.com')).certificate);
    const file = path('named.pem');
    await writeFile(file, leaf);
    const dump = async (which: string, pem: string) => {
      const options = ['-noout', which, '-nameopt', 'dump_all,dump_der,oid,sname'];
      return (await command('openssl', 'x509', '-in', pem, ...options)).replace(/^\w+=\s*/, '');
    };
    assert.equal(await dump('-issuer', file), await dump('-subject', path('p256.pem')));
  });

  it('may be in one file with its key', async () => {
    const both = path('both.pem');
    await writeFile(
      both,
      (await readFile(path('p256.pem'), 'utf8')) + (await readFile(path('sec1.key'), 'utf8')),
    );
    const authority = await openAuthority({ certFile: both, keyFile: both });
    assert.doesNotMatch(authority.certificate, /PRIVATE/);
    await authority.issue('example.com');
  });

  it('may have comments around it, and lines that end as on Windows', async () => {
    const pem = await readFile(path('p256.pem'), 'utf8');
    await writeFile(path('crlf.pem'), `\ufeff# our CA\r\n\r\n${pem.replaceAll('\n', '\r\n')}\r\n`);
    await (await open('crlf', 'p256.key')).issue('example.com');
  });

  it('may be an intermediate whose chain follows it', async () => {
    const request = path('middle.csr');
    await command(
      'openssl',
      'req',
      '-new',
      '-nodes',
      '-newkey',
      'rsa:2048',
      '-subj',
      '/CN=Middle',
      '-keyout',
      path('middle.key'),
      '-out',
      request,
      ...asAuthority,
    );
    const middle = path('middle.pem');
    await command(
      'openssl',
      'x509',
      '-req',
      '-in',
      request,
      '-CA',
      path('rsa.pem'),
      '-CAkey',
      path('rsa.key'),
      '-copy_extensions',
      'copy',
      '-days',
      '20',
      '-out',
      middle,
    );
    const root = await readFile(path('rsa.pem'), 'utf8');
    await writeFile(middle, (await readFile(middle, 'utf8')) + root);

    const authority = await open('middle');
    const { certificate: cert, key } = await authority.issue('example.com');
    assert.equal(pemCertificates(cert).length, 3);
    assert.equal(pemCertificates(authority.certificate).length, 2);
    // The client knows the root alone: the rest comes from the server.
    await handshake({ cert, key }, { ca: root, host: 'example.com' });
    await assert.rejects(
      open('middle', 'rsa.key'),
      refused('mismatch', /expected that of CN=Middle, the first/),
    );
  });

  it('ends its leaves no later than itself', async () => {
    await make('short', ec('P-256'), '-days', '2', '-subj', '/CN=Short', ...asAuthority);
    const authority = await open('short');
    const [leaf, own] = pemCertificates((await authority.issue('example.com')).certificate).map(
      (pem) => new X509Certificate(pem),
    );
    assert.equal(leaf?.validTo, own?.validTo);
    assert.equal(leaf?.validFrom, own?.validFrom);
  });

  it('is refused when its time is over', async (context) => {
    context.mock.timers.enable({ apis: ['Date'], now: Date.now() + 31 * 24 * 60 * 60 * 1000 });
    await assert.rejects(open('p256'), refused('expired', /p256\.pem was valid until/));
  });

  it('is refused when the key is another', async () => {
    await assert.rejects(
      open('p256', 'p384.key'),
      refused('mismatch', /p384\.key is not the key of .*p256\.pem/),
    );
  });

  it('is refused when it is no authority', async () => {
    await make('plain', ec('P-256'), '-subj', '/CN=Plain', '-addext', 'basicConstraints=critical,CA:FALSE');
    await assert.rejects(
      open('plain'),
      refused('invalid', /plain\.pem is no authority: CN=Plain may not sign/),
    );
  });

  it('is refused when it may sign nothing', async () => {
    await make(
      'mute',
      ec('P-256'),
      '-subj',
      '/CN=Mute',
      ...asAuthority,
      '-addext',
      'keyUsage=digitalSignature',
    );
    await assert.rejects(open('mute'), refused('invalid', /mute\.pem is no authority: CN=Mute may not sign/));
  });

  it('is refused when it may not sign for servers', async () => {
    await make(
      'mail',
      ec('P-256'),
      '-subj',
      '/CN=Mail',
      ...asAuthority,
      '-addext',
      'extendedKeyUsage=emailProtection',
    );
    await assert.rejects(open('mail'), refused('invalid', /mail\.pem may not sign for servers/));
  });

  it('is refused with a key that clients would not accept', async () => {
    await make('weak', ['rsa:1024'], '-subj', '/CN=Weak', ...asAuthority);
    await make('edwards', ['ed25519'], '-subj', '/CN=Edwards', ...asAuthority);
    await make('koblitz', ec('secp256k1'), '-subj', '/CN=Koblitz', ...asAuthority);
    await assert.rejects(open('weak'), refused('invalid', /or RSA of 2048 bits and more, got rsa 1024 bits/));
    await assert.rejects(open('edwards'), refused('invalid', /expected a key of EC .* got ed25519/));
    await assert.rejects(open('koblitz'), refused('invalid', /expected a key of EC .* got ec secp256k1/));
  });

  for (const name of ['locked.key', 'old.key']) {
    it(`is refused with an encrypted key (${name})`, async () => {
      const cert = name === 'old.key' ? 'rsa' : 'p256';
      await assert.rejects(open(cert, name), refused('invalid', /is encrypted.* `openssl pkey/));
    });
  }

  it('is refused when a file is missing, or is none', async () => {
    await assert.rejects(open('nowhere'), refused('unreadable', /nowhere\.pem does not exist$/));
    await assert.rejects(open('p256', 'no.key'), refused('unreadable', /no\.key does not exist$/));
    const noFile = openAuthority({ certFile: folder, keyFile: path('p256.key') });
    await assert.rejects(noFile, refused('unreadable', /expected a file, got something else/));
  });

  it('is refused when the files are swapped', async () => {
    const swapped = openAuthority({ certFile: path('p256.key'), keyFile: path('p256.pem') });
    await assert.rejects(swapped, refused('invalid', /p256\.key has no certificate: expected PEM/));
  });

  it('is refused without its key', async () => {
    await assert.rejects(
      openAuthority({ certFile: path('p256.pem') }),
      refused('unreadable', /both certFile and keyFile/),
    );
  });
});
