import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openAuthority } from '../../../src/authority/index.ts';
import { CliFailure, UsageError } from '../../../src/cli/failure.ts';
import { openTls } from '../../../src/cli/start/open-tls.ts';
import { readTlsSettings, type TlsSettings } from '../../../src/cli/start/tls-settings.ts';

const read = (flags: Record<string, unknown> = {}, environment: NodeJS.ProcessEnv = {}) =>
  readTlsSettings({ _: [], ...flags }, environment);

describe('the TLS settings', () => {
  it('intercept, and trust nobody beyond the system, when nothing is said', () => {
    assert.deepEqual(read(), {
      authority: {},
      passthroughHosts: [],
      onUntrusted: 'fail',
      upstreamCaFiles: [],
      insecureHosts: [],
      clientCertificates: [],
    });
  });

  it('take every flag', () => {
    const flags = {
      'tls-passthrough': ['bank.example', '.internal'],
      'on-untrusted': 'tunnel',
      'ca-dir': 'ca',
      'ca-cert': 'c.pem',
      'ca-key': 'k.pem',
      'upstream-ca': ['a.pem', '/b.pem'],
      'insecure-upstream': ['dev.example:8443'],
      'upstream-cert': ['api.example=both.pem', 'x.example=c.pem,k.pem'],
    };
    assert.deepEqual(read(flags, { SOFTPROBE_CA_DIR: '/other' }), {
      authority: { folder: resolve('ca'), certFile: resolve('c.pem'), keyFile: resolve('k.pem') },
      passthroughHosts: ['bank.example', '.internal'],
      onUntrusted: 'tunnel',
      upstreamCaFiles: [resolve('a.pem'), '/b.pem'],
      insecureHosts: ['dev.example:8443'],
      clientCertificates: [
        { host: 'api.example', certFile: resolve('both.pem'), keyFile: resolve('both.pem') },
        { host: 'x.example', certFile: resolve('c.pem'), keyFile: resolve('k.pem') },
      ],
    });
  });

  it('take the folder of the authority from the environment, and a flag before it', () => {
    assert.deepEqual(read({}, { SOFTPROBE_CA_DIR: '/env' }).authority, { folder: '/env' });
    assert.deepEqual(read({ 'ca-dir': '/flag' }, { SOFTPROBE_CA_DIR: '/env' }).authority, {
      folder: '/flag',
    });
  });

  it('need no authority where HTTPS is tunnelled', () => {
    assert.equal(read({ 'no-intercept': true }).authority, undefined);
  });

  const refusals: [string, Record<string, unknown>, RegExp][] = [
    ['a certificate without its key', { 'ca-cert': 'c.pem' }, /^--ca-cert: needs --ca-key/],
    ['a key without its certificate', { 'ca-key': 'k.pem' }, /^--ca-key: needs --ca-cert/],
    ['another answer to refusals', { 'on-untrusted': 'ignore' }, /^--on-untrusted: .*fail, tunnel/],
    [
      'a URL for a host',
      { 'tls-passthrough': ['https://a.example/'] },
      /^--tls-passthrough: expected a host/,
    ],
    [
      'trust in everybody',
      { 'insecure-upstream': ['*'] },
      /^--insecure-upstream: expected the name of a host/,
    ],
    [
      'a client certificate for nobody',
      { 'upstream-cert': ['c.pem'] },
      /^--upstream-cert: expected HOST=CERT/,
    ],
    ['three files for one host', { 'upstream-cert': ['h=a,b,c'] }, /^--upstream-cert: expected HOST=CERT/],
    ['an empty path', { 'upstream-ca': [''] }, /^--upstream-ca: /],
    [
      'settings of an interception that is off',
      { 'no-intercept': true, 'tls-passthrough': ['a.example'] },
      /^--no-intercept: .*--tls-passthrough/,
    ],
  ];
  for (const [what, flags, message] of refusals) {
    it(`refuse ${what}`, () => {
      assert.throws(
        () => read(flags),
        (error: unknown) => error instanceof UsageError && message.test(error.message),
      );
    });
  }
});

describe('what TLS needs of the disk', () => {
  let folder = '';
  let cert = '';
  let key = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'softprobe-tls-'));
    const leaf = await (await openAuthority({ folder: join(folder, 'ca') })).issue('client.example');
    cert = join(folder, 'cert.pem');
    key = join(folder, 'key.pem');
    await writeFile(cert, leaf.certificate);
    await writeFile(key, leaf.key);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const settings = (more: Partial<TlsSettings>): TlsSettings => ({
    ...read({ 'no-intercept': true }),
    ...more,
  });
  const refusal = async (more: Partial<TlsSettings>): Promise<string> => {
    const failure = await openTls(settings(more)).then(
      () => assert.fail('expected a refusal'),
      (error: unknown) => error,
    );
    assert.ok(failure instanceof CliFailure, String(failure));
    assert.equal(failure.exitCode, 1);
    return failure.message;
  };

  it('is an authority, which is made on first use', async () => {
    const { authority, options } = await openTls(
      read({ 'ca-dir': join(folder, 'new'), 'on-untrusted': 'tunnel' }),
    );
    assert.match(authority?.certificate ?? '', /BEGIN CERTIFICATE/);
    assert.deepEqual(options.interception, { authority, passthroughHosts: [], onUntrusted: 'tunnel' });
  });

  it('is nothing where HTTPS is tunnelled', async () => {
    const { authority, options } = await openTls(settings({}));
    assert.equal(authority, undefined);
    assert.equal(options.interception, false);
  });

  it('are texts of the files that the flags name', async () => {
    const { options } = await openTls(
      settings({
        upstreamCaFiles: [cert],
        clientCertificates: [{ host: 'a.example', certFile: cert, keyFile: key }],
      }),
    );
    const text = await readFile(cert, 'utf8');
    assert.equal(options.upstreamTls.ca?.join(''), text);
    assert.deepEqual(options.upstreamTls.clientCertificates, [
      { host: 'a.example', cert: text, key: await readFile(key, 'utf8') },
    ]);
  });

  it('names the flag and the file that is not there', async () => {
    assert.equal(
      await refusal({ upstreamCaFiles: [join(folder, 'none.pem')] }),
      `--upstream-ca: ${join(folder, 'none.pem')} cannot be read (ENOENT)`,
    );
  });

  it('names the file that has no certificate', async () => {
    assert.match(await refusal({ upstreamCaFiles: [key] }), /^--upstream-ca: .*key\.pem has no certificate/);
  });

  it('names the file with a broken certificate', async () => {
    const broken = join(folder, 'broken.pem');
    await writeFile(broken, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    assert.match(
      await refusal({ upstreamCaFiles: [broken] }),
      /broken\.pem has a certificate that cannot be read/,
    );
  });

  it('names the file whose key belongs to another certificate', async () => {
    const keyFile = join(folder, 'other-key.pem');
    await writeFile(
      keyFile,
      (await (await openAuthority({ folder: join(folder, 'ca') })).issue('b.example')).key,
    );
    const clientCertificates = [{ host: 'a.example', certFile: cert, keyFile }];
    assert.match(
      await refusal({ clientCertificates }),
      /^--upstream-cert: .*other-key\.pem has no private key/,
    );
  });

  it('says what to do when the authority cannot be used', async () => {
    const broken = join(folder, 'broken-ca');
    await writeFile(broken, '');
    const message = await refusal({ authority: { folder: broken } });
    assert.match(message, /^the certificate authority: .*--ca-dir or SOFTPROBE_CA_DIR, .*--no-intercept$/);
    await copyFile(key, join(folder, 'not-a-cert.pem'));
    const own = { certFile: join(folder, 'not-a-cert.pem'), keyFile: key };
    assert.match(await refusal({ authority: own }), /another --ca-cert and --ca-key/);
  });
});
