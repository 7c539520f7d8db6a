import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openAuthority, pemCertificates, systemRoots } from '../../src/authority/index.ts';
import { command, hasProgram } from '../authority/support/command.ts';
import { suiteFolder, temporaryFolder } from '../authority/support/temporary-folder.ts';
import { binPath } from '../cli/built-program.ts';
import { cli } from './support/cli.ts';

const folder = suiteFolder();
const caDir = join(folder, 'authority');
const certFile = join(caDir, 'ca', 'certificate.pem');
const authority = await openAuthority({ folder: caDir });
const certificate = new X509Certificate(authority.certificate);
const ca = (...args: string[]) => cli(['ca', ...args, '--ca-dir', caDir]);
const needsTerminal = { skip: !(await hasProgram('script')) && 'needs script(1)' };

describe('softprobe-proxy ca path', () => {
  it('prints where the certificate is, and nothing else', async () => {
    const { code, stdout, stderr } = await ca('path');
    assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${certFile}\n`, stderr: '' });
  });

  it('tells it as JSON', async () => {
    const { json } = await ca('path', '--json');
    assert.deepEqual(json, { status: 'ok', exitCode: 0, error: null, path: certFile });
  });

  it('makes the authority on first use, in the folder that SOFTPROBE_CA_DIR names', async (context) => {
    const fresh = join(await temporaryFolder(context), 'fresh');
    const { stdout } = await cli(['ca', 'path'], { env: { SOFTPROBE_CA_DIR: fresh } });
    assert.equal(stdout, `${join(fresh, 'ca', 'certificate.pem')}\n`);
    assert(new X509Certificate(await readFile(stdout.trim())).ca);
    assert.equal((await stat(join(fresh, 'ca', 'key.pem'))).mode & 0o777, 0o600);
  });

  it('makes it in the configuration folder of the user where none is named', async (context) => {
    const home = await temporaryFolder(context);
    const env = { HOME: home, XDG_CONFIG_HOME: '', SOFTPROBE_CA_DIR: '' };
    const { stdout } = await cli(['ca', 'path'], { env });
    assert(stdout.startsWith(`${home}/`) && stdout.endsWith('/softprobe/ca/certificate.pem\n'), stdout);
  });

  it('names that of the user’s own authority', async () => {
    const keyFile = join(caDir, 'ca', 'key.pem');
    const { stdout } = await cli(['ca', 'path', '--ca-cert', certFile, '--ca-key', keyFile]);
    assert.equal(stdout, `${certFile}\n`);
  });

  it('refuses a certificate without its key', async () => {
    const { code, stderr, json } = await cli(['ca', 'path', '--ca-cert', certFile, '--json']);
    assert.equal(code, 2);
    assert.equal(json.error?.code, 'usage');
    assert.match(stderr, /--ca-cert: needs --ca-key/);
  });

  it('says what to do about a damaged authority', async (context) => {
    const damaged = await temporaryFolder(context);
    await mkdir(join(damaged, 'ca'));
    await writeFile(join(damaged, 'ca', 'certificate.pem'), authority.certificate);
    const { code, stderr, json } = await cli(['ca', 'path', '--ca-dir', damaged, '--json']);
    assert.equal(code, 1);
    assert.equal(json.error?.code, 'authority_invalid');
    assert.match(
      stderr,
      /^softprobe-proxy: the certificate authority: .*key\.pem is missing; delete the folder /,
    );
    assert.doesNotMatch(stderr, /\n.*\n/);
  });

  it('says when it cannot be made', async () => {
    const { code, json } = await cli(['ca', 'path', '--ca-dir', certFile, '--json']);
    assert.equal(code, 1);
    assert.equal(json.error?.code, 'authority_unreadable');
  });
});

describe('softprobe-proxy ca print', () => {
  it('shows what a trust store shows of it', async () => {
    const { code, stdout } = await ca('print');
    assert.equal(code, 0);
    assert.match(stdout, /^subject +O=softprobe-proxy, CN=softprobe-proxy CA [0-9a-f]{8}$/m);
    assert.match(stdout, /^valid from +\d{4}-\d\d-\d\dT/m);
    assert(stdout.includes(`SHA-256     ${certificate.fingerprint256}\n`), stdout);
    assert(stdout.includes(certFile));
  });

  it('tells it as JSON', async () => {
    const { json } = await ca('print', '--json');
    assert.equal(json.fingerprint256, certificate.fingerprint256);
    assert.equal(json.path, certFile);
    assert.equal(Date.parse(String(json.validTo)), Date.parse(certificate.validTo));
  });

  it('never shows the key', async () => {
    const { stdout, stderr } = await ca('print', '--json', '--verbose');
    assert.doesNotMatch(stdout + stderr, /PRIVATE/);
  });
});

describe('softprobe-proxy ca export', () => {
  it('prints the certificate', async () => {
    const { code, stdout } = await ca('export');
    assert.deepEqual({ code, stdout }, { code: 0, stdout: authority.certificate });
  });

  it('writes it to a file that others may read', async (context) => {
    const out = join(await temporaryFolder(context), 'ca.pem');
    const { stdout, json } = await ca('export', '--format', 'pem', '--out', out, '--json');
    assert.equal(JSON.parse(stdout).content, null);
    assert.equal(json.path, out);
    assert.equal(await readFile(out, 'utf8'), authority.certificate);
    assert.equal((await stat(out)).mode & 0o777 & ~process.umask(), 0o666 & ~process.umask());
  });

  it('writes a trust store for Java, with its password', async (context) => {
    const out = join(await temporaryFolder(context), 'ca.p12');
    const { code } = await ca('export', '--format', 'p12', '--password', 's3cret', '--out', out);
    assert.equal(code, 0);
    const read = await command('openssl', 'pkcs12', '-in', out, '-passin', 'pass:s3cret', '-nokeys');
    assert.deepEqual(pemCertificates(read), [authority.certificate]);
  });

  it('sends the trust store down a pipe, whole', async (context) => {
    const out = join(await temporaryFolder(context), 'ca.p12');
    const line = `'${process.execPath}' '${binPath}' ca export --format p12 --ca-dir '${caDir}' | cat > '${out}'`;
    await command('sh', '-c', line);
    const read = await command('openssl', 'pkcs12', '-in', out, '-passin', 'pass:changeit', '-nokeys');
    assert.deepEqual(pemCertificates(read), [authority.certificate]);
  });

  it('tells bytes in base64 with --json', async (context) => {
    const { json } = await ca('export', '--format', 'p12', '--json');
    assert.equal(json.encoding, 'base64');
    const out = join(await temporaryFolder(context), 'ca.p12');
    await writeFile(out, Buffer.from(String(json.content), 'base64'));
    const read = await command('openssl', 'pkcs12', '-in', out, '-passin', 'pass:changeit', '-nokeys');
    assert.deepEqual(pemCertificates(read), [authority.certificate]);
  });

  it('sends no bytes to a terminal', needsTerminal, async () => {
    const line = `'${process.execPath}' '${binPath}' ca export --format p12 --ca-dir '${caDir}'`;
    const inTerminal = command('script', '--quiet', '--return', '--command', line, '/dev/null');
    await assert.rejects(inTerminal, /this format is binary and stdout is a terminal: name a file by --out/);
  });

  for (const [does, args, message] of [
    ['an unknown format', ['--format', 'der'], /--format: expected .*pem.*p12.*, got "der"/],
    ['a password for PEM', ['--password', 'x'], /--password: a PEM file has none/],
    ['an empty password', ['--format', 'p12', '--password', ''], /--password: expected/],
  ] as const) {
    it(`refuses ${does}`, async () => {
      const { code, stderr, json } = await ca('export', ...args, '--json');
      assert.equal(code, 2);
      assert.equal(json.error?.code, 'usage');
      assert.match(stderr, message);
    });
  }

  it('says when the file cannot be written', async () => {
    for (const [out, message] of [
      [folder, /--out: .* is a directory; name a file in it/],
      [join(folder, 'missing', 'ca.pem'), /--out: .* cannot be written \(ENOENT\)/],
    ] as const) {
      const { code, stderr, json } = await ca('export', '--out', out, '--json');
      assert.equal(code, 1);
      assert.equal(json.error?.code, 'unwritable_file');
      assert.match(stderr, message);
    }
  });
});

describe('softprobe-proxy ca bundle', () => {
  it('writes the roots of the system and the authority', async (context) => {
    const out = join(await temporaryFolder(context), 'bundle.pem');
    const { json } = await ca('bundle', '--out', out, '--json');
    const found = pemCertificates(await readFile(out, 'utf8'));
    assert.deepEqual(found, [...systemRoots(), authority.certificate]);
    assert.equal(json.certificates, found.length);
    assert.equal(json.path, out);
  });

  it('prints them', async () => {
    const { stdout } = await ca('bundle');
    assert.equal(pemCertificates(stdout).at(-1), authority.certificate);
    assert.match(stdout, /-----END CERTIFICATE-----\n$/);
  });
});

/**
 * A shell line in a mount namespace of its own, in which the system's store is a copy. Hooks, such as Java's, are
 * left out.
 */
const withOwnStore = (copies: string, line: string) =>
  command(
    'unshare',
    '--mount',
    'sh',
    '-ec',
    `mkdir ${copies}/share ${copies}/hooks
     cp -a /etc/ssl ${copies}/ssl
     cp -a /etc/ca-certificates.conf ${copies}/conf
     mount --bind ${copies}/ssl /etc/ssl
     mount --bind ${copies}/conf /etc/ca-certificates.conf
     mount --bind ${copies}/share /usr/local/share/ca-certificates
     mount --bind ${copies}/hooks /etc/ca-certificates/update.d
     ${line}`,
  );

const isDebianRoot =
  process.geteuid?.() === 0 &&
  (await command('unshare', '--mount', 'true').catch(() => undefined)) === '' &&
  (await hasProgram('update-ca-certificates')) &&
  existsSync('/usr/local/share/ca-certificates') &&
  existsSync('/etc/ca-certificates/update.d') &&
  existsSync('/etc/ca-certificates.conf');
const needsDebian = { skip: !isDebianRoot && 'needs root on Debian, and mount namespaces' };

describe('softprobe-proxy ca trust', () => {
  it('prints commands for a shell, and beside them what they do not cover', needsDebian, async () => {
    const before = await readdir('/usr/local/share/ca-certificates');
    const { code, stdout, stderr } = await ca('trust');
    assert.equal(code, 0);
    assert.match(stdout, /^install -m 0644 \/\S+ \/\S+\nupdate-ca-certificates\n$/);
    assert(stdout.includes(certFile));
    for (const client of ['Firefox', 'Chromium', 'Java', 'Node.js', 'certifi'])
      assert(stderr.includes(client), client);
    assert.match(stderr, /softprobe-proxy run/);
    assert.deepEqual(await readdir('/usr/local/share/ca-certificates'), before);
  });

  it('tells them as JSON', needsDebian, async () => {
    const { json } = await ca('trust', '--json');
    assert.equal(json.ran, false);
    assert.equal(json.path, certFile);
    assert.deepEqual(json.commands, (await ca('trust')).stdout.trimEnd().split('\n'));
  });

  it('makes the system trust the authority with --yes', needsDebian, async (context) => {
    const copies = await temporaryFolder(context);
    const leaf = join(copies, 'leaf.pem');
    await writeFile(leaf, (await authority.issue('example.com')).certificate);
    const trust = `'${process.execPath}' '${binPath}' ca trust --yes --json --ca-dir '${caDir}' > ${copies}/result`;
    const verify = `env -u SSL_CERT_FILE -u SSL_CERT_DIR openssl verify ${leaf}`;
    const before = await readdir('/etc/ssl/certs');
    const printed = await withOwnStore(copies, `! ${verify}\n${trust}\n${verify}`);
    assert.match(printed, /^\+ install -m 0644 /m);
    assert.match(printed, /1 added, 0 removed/);
    assert.match(printed, /leaf\.pem: OK/);
    assert.equal(JSON.parse(await readFile(join(copies, 'result'), 'utf8')).ran, true);
    // The real store is as it was.
    assert.deepEqual(await readdir('/etc/ssl/certs'), before);
  });

  it('says which command failed', needsDebian, async (context) => {
    const copies = await temporaryFolder(context);
    const trust = `'${process.execPath}' '${binPath}' ca trust --yes --json --ca-dir '${caDir}' > ${copies}/result`;
    const readOnly = 'mount -o remount,bind,ro /usr/local/share/ca-certificates';
    const failed = await withOwnStore(copies, `${readOnly}\n${trust} && exit 3 || echo "code $?"`);
    assert.match(failed, /code 1\n/);
    const { error } = JSON.parse(await readFile(join(copies, 'result'), 'utf8'));
    assert.equal(error.code, 'trust_failed');
    assert.match(error.message, /^install .* ended with exit code 1; the authority may not be trusted yet$/);
  });

  it('refuses a file with a chain in it', async (context) => {
    const both = join(await temporaryFolder(context), 'both.pem');
    const key = await readFile(join(caDir, 'ca', 'key.pem'), 'utf8');
    await writeFile(both, authority.certificate + systemRoots()[0] + key);
    const { code, json } = await cli(['ca', 'trust', '--ca-cert', both, '--ca-key', both, '--json']);
    assert.equal(code, 1);
    assert.equal(json.error?.code, 'several_certificates');
  });
});
