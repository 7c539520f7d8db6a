import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { fileURLToPath } from 'node:url';
import {
  openAuthority,
  pemBundle,
  pemCertificates,
  pkcs12TrustStore,
  systemRoots,
} from '../../src/authority/index.ts';
import { command, hasProgram } from './support/command.ts';
import { suiteFolder, temporaryFolder } from './support/temporary-folder.ts';

const indexUrl = new URL('../../src/authority/index.ts', import.meta.url).href;
const fingerprintOf = (pem: string) => new X509Certificate(pem).fingerprint256;
const needsKeytool = { skip: !(await hasProgram('keytool')) && 'needs a JDK' };

describe('the roots of the system', () => {
  it('hold those that Node brings, each once', () => {
    const found = systemRoots().map(fingerprintOf);
    assert.equal(new Set(found).size, found.length);
    assert.deepEqual(
      tls.rootCertificates.map(fingerprintOf).filter((root) => !found.includes(root)),
      [],
    );
  });

  it('hold those of the system itself', () => {
    const found = new Set(systemRoots().map(fingerprintOf));
    for (const pem of tls.getCACertificates('system')) assert(found.has(fingerprintOf(pem)));
  });

  it('are texts that can be put one after another', () => {
    for (const pem of systemRoots())
      assert.match(pem, /^-----BEGIN [^-]+-----\n[^-]+\n-----END [^-]+-----\n$/);
  });

  /** What a process of its own finds. */
  const countElsewhere = (prologue: string, environment: NodeJS.ProcessEnv = {}) => {
    const script = `${prologue}
      const { systemRoots } = await import('${indexUrl}');
      console.log(systemRoots().length);`;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--input-type=module', '--eval', script],
      {
        encoding: 'utf8',
        env: { ...process.env, ...environment },
      },
    );
    assert.equal(status, 0, stderr);
    return Number(stdout);
  };

  it('are those of Node where the system has none, or broken ones', () => {
    const none = { NODE_EXTRA_CA_CERTS: '', SSL_CERT_FILE: '/nonexistent', SSL_CERT_DIR: '/nonexistent' };
    assert.equal(countElsewhere('', none), tls.rootCertificates.length);
    const broken = { ...none, SSL_CERT_FILE: fileURLToPath(import.meta.url) };
    assert.equal(countElsewhere('', broken), tls.rootCertificates.length);
  });

  it('hold those of NODE_EXTRA_CA_CERTS', async (context) => {
    const { certFile } = await openAuthority({ folder: await temporaryFolder(context) });
    const without = countElsewhere('', { NODE_EXTRA_CA_CERTS: '' });
    assert.equal(countElsewhere('', { NODE_EXTRA_CA_CERTS: certFile }), without + 1);
  });

  it('are those of Node where it cannot name others', () => {
    const older = "import tls from 'node:tls';delete tls.getCACertificates;";
    assert.equal(countElsewhere(older), tls.rootCertificates.length);
  });
});

describe('a PEM bundle', () => {
  const folder = suiteFolder();

  it('is the roots of the system and the authority', async () => {
    const authority = await openAuthority({ folder });
    const found = pemCertificates(pemBundle(authority));
    assert.deepEqual(found, [...systemRoots(), authority.certificate]);
  });

  it('is what OpenSSL verifies a leaf with', async () => {
    const authority = await openAuthority({ folder });
    const bundle = join(folder, 'bundle.pem');
    const leaf = join(folder, 'leaf.pem');
    await writeFile(bundle, pemBundle(authority));
    await writeFile(leaf, (await authority.issue('example.com')).certificate);
    assert.match(await command('openssl', 'verify', '-CAfile', bundle, leaf), /OK\n$/);
  });
});

describe('a PKCS #12 trust store', () => {
  const folder = suiteFolder();
  const store = async (name: string, certificates: readonly string[], password: string) => {
    const file = join(folder, name);
    await writeFile(file, await pkcs12TrustStore(certificates, password));
    return file;
  };

  it('is read by OpenSSL, with its password only', async () => {
    const { certificate } = await openAuthority({ folder });
    const file = await store('small.p12', [certificate], 'changeit');
    const read = await command('openssl', 'pkcs12', '-in', file, '-passin', 'pass:changeit', '-nokeys');
    assert.deepEqual(pemCertificates(read), [certificate]);
    assert.match(read, /friendlyName: softprobe-proxy ca [0-9a-f]{8} \[[0-9a-f]{16}\]\n/);
    assert.match(read, /2\.16\.840\.1\.113894\.746875\.1\.1: /);
    const wrong = command('openssl', 'pkcs12', '-in', file, '-passin', 'pass:other', '-nokeys');
    await assert.rejects(wrong, /invalid password/);
  });

  it('takes a password of any script', async () => {
    const { certificate } = await openAuthority({ folder });
    for (const [index, password] of ['s', 'schlüßel', 'пароль', 'x'.repeat(100)].entries()) {
      const file = await store(`password-${index}.p12`, [certificate], password);
      const read = await command('openssl', 'pkcs12', '-in', file, '-passin', `pass:${password}`, '-nokeys');
      assert.deepEqual(pemCertificates(read), [certificate]);
    }
  });

  it('makes Java trust every certificate in it', needsKeytool, async () => {
    const { certificate } = await openAuthority({ folder });
    const all = [...systemRoots(), certificate];
    const file = await store('all.p12', all, 'changeit');
    const list = await command('keytool', '-list', '-keystore', file, '-storepass', 'changeit');
    assert.match(list, new RegExp(`contains ${all.length} entries`));
    assert.equal(list.match(/trustedCertEntry/g)?.length, all.length);
    for (const pem of all) assert(list.includes(fingerprintOf(pem)), new X509Certificate(pem).subject);
    const wrong = command('keytool', '-list', '-keystore', file, '-storepass', 'changed');
    await assert.rejects(wrong, /password was incorrect|integrity check/i);
  });

  it('splits a text that holds several', async () => {
    const [first = '', second = ''] = systemRoots();
    const file = await store('two.p12', [first + second], 'changeit');
    const read = await command('openssl', 'pkcs12', '-in', file, '-passin', 'pass:changeit', '-nokeys');
    assert.deepEqual(pemCertificates(read).map(fingerprintOf), [first, second].map(fingerprintOf));
  });

  it('may be empty', async () => {
    const file = await store('none.p12', [], 'changeit');
    const read = await command('openssl', 'pkcs12', '-in', file, '-passin', 'pass:changeit', '-nokeys');
    assert.deepEqual(pemCertificates(read), []);
  });

  it('is refused without a password', async () => {
    await assert.rejects(pkcs12TrustStore([], ''), refusedPassword);
  });
});

const refusedPassword = { name: 'RangeError', message: /needs a password that is not empty/ };
