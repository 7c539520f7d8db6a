import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { type Authority, openAuthority, pemCertificates } from '../../../src/authority/index.ts';
import { javaOptions } from '../../../src/cli/env/ecosystem-java.ts';
import { ecosystemVariables } from '../../../src/cli/env/ecosystem-table.ts';
import { readUserTrust, writeTrustFiles } from '../../../src/cli/env/ecosystem-trust.ts';
import { shellWord } from '../../../src/cli/shell-word.ts';

const trust = {
  added: '/t/added.pem',
  bundle: '/t/bundle.pem',
  p12: '/t/store.p12',
  p12Password: 'changeit',
  phpFolder: '/t/php',
};
const input = { egressUrl: 'http://127.0.0.1:8084', sessionId: undefined, trust, environment: {} };

describe('the settings of the ecosystems', () => {
  it('send every client through the egress listener, also to this machine', () => {
    const variables = ecosystemVariables(input);
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']) {
      assert.equal(variables[name], 'http://127.0.0.1:8084');
    }
    assert.equal(variables.NO_PROXY, '');
    assert.equal(variables.no_proxy, '');
    assert.equal(variables.NODE_USE_ENV_PROXY, '1');
    assert.equal('ALL_PROXY' in variables || 'all_proxy' in variables, false);
  });

  it('give our authority to what adds roots, and a whole bundle to what replaces them', () => {
    const variables = ecosystemVariables(input);
    for (const name of ['NODE_EXTRA_CA_CERTS', 'DENO_CERT']) assert.equal(variables[name], '/t/added.pem');
    const replacing = 'SSL_CERT_FILE CURL_CA_BUNDLE REQUESTS_CA_BUNDLE PIP_CERT AWS_CA_BUNDLE GIT_SSL_CAINFO';
    for (const name of [...replacing.split(' '), 'CARGO_HTTP_CAINFO']) {
      assert.equal(variables[name], '/t/bundle.pem', name);
    }
  });

  it('name the session as the user of the proxy', () => {
    const { HTTPS_PROXY, GIT_HTTP_PROXY_AUTHMETHOD } = ecosystemVariables({
      ...input,
      sessionId: 'sess_a/b@c',
    });
    assert.equal(HTTPS_PROXY, 'http://sess_a%2Fb%40c:x@127.0.0.1:8084');
    assert.equal(GIT_HTTP_PROXY_AUTHMETHOD, 'basic');
    assert.equal('GIT_HTTP_PROXY_AUTHMETHOD' in ecosystemVariables(input), false);
    const { username, password, host } = new URL(HTTPS_PROXY ?? '');
    assert.deepEqual([decodeURIComponent(username), password, host], ['sess_a/b@c', 'x', '127.0.0.1:8084']);
  });

  it('say nothing of certificates where HTTPS is not looked into', () => {
    const variables = ecosystemVariables({ ...input, trust: undefined });
    assert.deepEqual(
      Object.keys(variables).filter((name) => /CERT|CA_|CAINFO|SSL/.test(name)),
      [],
    );
    assert.equal(variables.JAVA_TOOL_OPTIONS?.includes('trustStore'), false);
  });
});

describe('PHP_INI_SCAN_DIR', () => {
  const folders = (PHP_INI_SCAN_DIR?: string) =>
    ecosystemVariables({ ...input, environment: PHP_INI_SCAN_DIR === undefined ? {} : { PHP_INI_SCAN_DIR } })
      .PHP_INI_SCAN_DIR;

  it('adds our folder to those that PHP reads anyway', () => {
    assert.equal(folders(), `${delimiter}/t/php`);
    assert.equal(folders('/etc/mine'), `/etc/mine${delimiter}/t/php`);
  });

  it('has our folder once when it is given twice', () => {
    assert.equal(folders(folders()), folders());
  });
});

describe('JAVA_TOOL_OPTIONS', () => {
  it('has proxy and trust store, and excludes no host', () => {
    assert.equal(
      javaOptions(input),
      '-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=8084 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=8084 ' +
        '-Dhttp.nonProxyHosts= -Djavax.net.ssl.trustStore=/t/store.p12 -Djavax.net.ssl.trustStoreType=PKCS12 ' +
        '-Djavax.net.ssl.trustStorePassword=changeit',
    );
  });

  it('keeps what was there in front', () => {
    const options = javaOptions({ ...input, environment: { JAVA_TOOL_OPTIONS: ' -Xmx1g ' } });
    assert.match(options, /^-Xmx1g -Dhttp\.proxyHost=/);
  });

  it('stays as it is when it is given twice', () => {
    const once = javaOptions({ ...input, environment: { JAVA_TOOL_OPTIONS: '-Xmx1g' } });
    assert.equal(javaOptions({ ...input, environment: { JAVA_TOOL_OPTIONS: once } }), once);
  });

  it('has an IPv6 address without brackets', () => {
    assert.match(javaOptions({ ...input, egressUrl: 'http://[::1]:9' }), /-Dhttps\.proxyHost=::1 /);
  });

  it('keeps blanks and quotes of a path within one option', () => {
    const p12 = `/home/Ann O'Neil/the "store".p12`;
    const [, option = ''] =
      /(\S*-Djavax\.net\.ssl\.trustStore=.*) "?-Djavax\S*Type/.exec(
        javaOptions({ ...input, trust: { ...trust, p12 } }),
      ) ?? [];
    assert.deepEqual(splitByJava(option), [`-Djavax.net.ssl.trustStore=${p12}`]);
  });
});

/** As the virtual machine does it (HotSpot, `Arguments::parse_options_buffer`). */
function splitByJava(text: string): string[] {
  const words = text.match(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}

describe('a word for the shell', () => {
  it('is what the shell reads', { skip: process.platform === 'win32' }, () => {
    const text = fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((word) => !/[\0\ud800-\udfff]/.test(word));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 20 }), (words) => {
        const script = `printf '%s\\0' ${words.map(shellWord).join(' ')}`;
        assert.equal(
          execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }),
          words.map((word) => `${word}\0`).join(''),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('is the text itself where that is plain', () => {
    assert.equal(shellWord('http://127.0.0.1:8084'), 'http://127.0.0.1:8084');
    assert.equal(shellWord(''), "''");
    assert.equal(shellWord('~/a'), "'~/a'");
  });
});

describe('the trust files', () => {
  let folder = '';
  let authority: Authority;
  let other: Authority;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'softprobe-trust-'));
    authority = await openAuthority({ folder: join(folder, 'ours') });
    other = await openAuthority({ folder: join(folder, 'theirs') });
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const fingerprints = async (file: string) =>
    pemCertificates(await readFile(file, 'utf8')).map((text) => new X509Certificate(text).fingerprint256);

  it("add our authority, and the user's own certificates, to the system's", async () => {
    const environment = { NODE_EXTRA_CA_CERTS: other.certFile, SSL_CERT_FILE: other.certFile };
    const user = await readUserTrust(environment);
    assert.deepEqual(user, {
      certificates: [other.certificate],
      added: [other.certificate],
      unreadable: [],
    });
    const files = await writeTrustFiles(authority, user, folder);
    const [ours, theirs] = [authority, other].map(
      ({ certificate }) => new X509Certificate(certificate).fingerprint256,
    );
    assert.deepEqual(await fingerprints(files.added), [ours, theirs]);
    const bundle = await fingerprints(files.bundle);
    assert.ok(bundle.length > 50, 'the roots of the system are in it');
    assert.equal(new Set(bundle).size, bundle.length, 'none is in it twice');
    assert.ok([ours, theirs].every((fingerprint) => bundle.includes(fingerprint ?? '')));
    assert.equal((await stat(files.p12)).mode & 0o777, 0o600);
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.includes('.pem.') || name.includes('.p12.')),
      [],
      'no temporary file stays',
    );
  });

  it('do not repeat what a bundle of the system has already', async () => {
    const alone = await writeTrustFiles(authority, { certificates: [], added: [], unreadable: [] }, folder);
    const count = (await fingerprints(alone.bundle)).length;
    const user = await readUserTrust({ SSL_CERT_FILE: alone.bundle });
    const again = await writeTrustFiles(authority, user, folder);
    assert.equal((await fingerprints(again.bundle)).length, count);
    assert.equal((await fingerprints(again.added)).length, 1);
  });

  it('do without a file that cannot be read, and say so', async () => {
    const file = join(folder, 'nothing.pem');
    assert.deepEqual(await readUserTrust({ PIP_CERT: file }), {
      certificates: [],
      added: [],
      unreadable: [{ variable: 'PIP_CERT', file, code: 'ENOENT' }],
    });
  });

  it('leave out what only looks like a certificate', async () => {
    const file = join(folder, 'odd.pem');
    await writeFile(file, '# notes\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    assert.deepEqual((await readUserTrust({ SSL_CERT_FILE: file })).certificates, []);
  });
});
