import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { systemRoots, systemTrust } from '../../src/authority/index.ts';

const [certificate = ''] = systemRoots();
const mark = new X509Certificate(certificate).fingerprint256.replaceAll(':', '').slice(0, 8).toLowerCase();
const certFile = '/home/ann/.config/softprobe/ca/certificate.pem';

/** What is said of a system that has these programs and folders. */
async function trustOn(
  platform: NodeJS.Platform,
  { programs = [], paths = [], uid = 0 }: { programs?: string[]; paths?: string[]; uid?: number },
) {
  const trust = await systemTrust(certFile, certificate, {
    platform,
    uid,
    home: '/home/ann',
    hasProgram: async (name) => programs.includes(name),
    hasPath: async (path) => paths.includes(path),
  });
  return trust && [trust.system, ...trust.commands.map((words) => words.join(' '))];
}

const debian = { programs: ['update-ca-certificates'], paths: ['/usr/local/share/ca-certificates'] };
const debianFile = `/usr/local/share/ca-certificates/softprobe-proxy-ca-${mark}.crt`;

describe('how a system is told to trust', () => {
  it('is update-ca-certificates on Debian and Alpine', async () => {
    assert.deepEqual(await trustOn('linux', debian), [
      'Debian, Ubuntu, Alpine',
      `install -m 0644 ${certFile} ${debianFile}`,
      'update-ca-certificates',
    ]);
  });

  it('is done by sudo for who is not root', async () => {
    assert.deepEqual(await trustOn('linux', { ...debian, uid: 1000 }), [
      'Debian, Ubuntu, Alpine',
      `sudo install -m 0644 ${certFile} ${debianFile}`,
      'sudo update-ca-certificates',
    ]);
  });

  it('is update-ca-trust on Fedora', async () => {
    const anchors = '/etc/pki/ca-trust/source/anchors';
    assert.deepEqual(await trustOn('linux', { programs: ['trust', 'update-ca-trust'], paths: [anchors] }), [
      'Fedora, RHEL',
      `install -m 0644 ${certFile} ${anchors}/softprobe-proxy-ca-${mark}.pem`,
      'update-ca-trust extract',
    ]);
  });

  it('is another folder on openSUSE', async () => {
    const anchors = '/etc/pki/trust/anchors';
    const programs = ['update-ca-certificates', 'trust'];
    assert.deepEqual(await trustOn('linux', { programs, paths: [anchors] }), [
      'openSUSE',
      `install -m 0644 ${certFile} ${anchors}/softprobe-proxy-ca-${mark}.pem`,
      'update-ca-certificates',
    ]);
  });

  it('is trust anchor on Arch, whose update-ca-trust looks elsewhere', async () => {
    assert.deepEqual(await trustOn('linux', { programs: ['update-ca-trust', 'trust'] }), [
      'Arch',
      `trust anchor --store ${certFile}`,
    ]);
  });

  it('is not trust anchor where Debian has that program too', async () => {
    const programs = ['trust', 'update-ca-certificates'];
    assert.equal((await trustOn('linux', { ...debian, programs }))?.[0], 'Debian, Ubuntu, Alpine');
  });

  it('is the keychain of the user on macOS', async () => {
    assert.deepEqual(await trustOn('darwin', { uid: 501 }), [
      'macOS',
      `security add-trusted-cert -r trustRoot -k /home/ann/Library/Keychains/login.keychain-db ${certFile}`,
    ]);
  });

  it('is the store of the user on Windows', async () => {
    assert.deepEqual(await trustOn('win32', {}), ['Windows', `certutil -user -addstore Root ${certFile}`]);
  });

  it('is not known for a bare container', async () => {
    assert.equal(await trustOn('linux', { paths: ['/usr/local/share/ca-certificates'] }), undefined);
    assert.equal(await trustOn('linux', { programs: ['update-ca-certificates'] }), undefined);
  });
});
