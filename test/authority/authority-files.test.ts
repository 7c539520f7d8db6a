import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmod, chown, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { openAuthority } from '../../src/authority/index.ts';
import { command } from './support/command.ts';
import { refused } from './support/refused.ts';
import { temporaryFolder } from './support/temporary-folder.ts';

const indexUrl = new URL('../../src/authority/index.ts', import.meta.url).href;
const isRoot = process.getuid?.() === 0;

/** Nobody; on the systems that have root. */
const NOBODY = 65534;

const rightsOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

/** Opens the authority in a process of its own. */
async function openElsewhere(folder: string): Promise<{ certificate: string; isIssuing: boolean }> {
  const script = `
    import { X509Certificate } from 'node:crypto';
    import { openAuthority, pemCertificates } from '${indexUrl}';
    const authority = await openAuthority({ folder: process.argv[1] });
    const [leaf, above] = pemCertificates((await authority.issue('example.com')).certificate);
    const isIssuing = new X509Certificate(leaf).verify(new X509Certificate(above).publicKey);
    console.log(JSON.stringify({ certificate: authority.certificate, isIssuing }));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await text(child.stdout));
}

describe('the files of the authority', () => {
  it('are for us alone, whatever the umask says', async (context) => {
    const folder = join(await temporaryFolder(context), 'softprobe');
    const before = process.umask(0);
    try {
      await openAuthority({ folder });
    } finally {
      process.umask(before);
    }
    assert.equal(await rightsOf(folder), '700');
    assert.equal(await rightsOf(join(folder, 'ca')), '700');
    assert.equal(await rightsOf(join(folder, 'ca', 'key.pem')), '600');
    assert.equal(await rightsOf(join(folder, 'ca', 'certificate.pem')), '600');
  });

  it('are PKCS#8 and an X.509 certificate that OpenSSL reads', async (context) => {
    const folder = await temporaryFolder(context);
    const { certFile } = await openAuthority({ folder });
    const key = await command('openssl', 'pkey', '-in', join(folder, 'ca', 'key.pem'), '-pubout');
    assert.equal(await command('openssl', 'x509', '-in', certFile, '-noout', '-pubkey'), key);
  });

  it('are tightened where others had rights on them', async (context) => {
    const folder = await temporaryFolder(context);
    const { certificate } = await openAuthority({ folder });
    await chmod(join(folder, 'ca'), 0o755);
    await chmod(join(folder, 'ca', 'key.pem'), 0o644);
    assert.equal((await openAuthority({ folder })).certificate, certificate);
    assert.equal(await rightsOf(join(folder, 'ca')), '700');
    assert.equal(await rightsOf(join(folder, 'ca', 'key.pem')), '600');
  });

  it('leave other rights on a folder that was there before', async (context) => {
    const folder = await temporaryFolder(context);
    await chmod(folder, 0o755);
    await openAuthority({ folder });
    assert.equal(await rightsOf(folder), '755');
  });

  for (const what of ['ca', 'ca/key.pem', 'ca/certificate.pem']) {
    it(`are refused where ${what} belongs to another user`, {
      skip: !isRoot && 'needs root',
    }, async (context) => {
      const folder = await temporaryFolder(context);
      await openAuthority({ folder });
      await chmod(folder, 0o755);
      for (const name of ['ca', 'ca/key.pem', 'ca/certificate.pem'])
        await chown(join(folder, name), NOBODY, 0);
      // Readable all the same, as an attacker would make it.
      await chown(join(folder, what), 1, 0);
      await chmod(join(folder, what), what === 'ca' ? 0o755 : 0o644);
      process.seteuid?.(NOBODY);
      try {
        await assert.rejects(
          openAuthority({ folder }),
          refused('unreadable', /belongs to another user \(1, we are 65534\)/),
        );
      } finally {
        process.seteuid?.(0);
      }
    });
  }

  it('are refused where they cannot be read', { skip: !isRoot && 'needs root' }, async (context) => {
    const folder = await temporaryFolder(context);
    await openAuthority({ folder });
    await chmod(folder, 0o755);
    process.seteuid?.(NOBODY);
    try {
      await assert.rejects(
        openAuthority({ folder }),
        refused('unreadable', /\/ca cannot be read \(EACCES\)/),
      );
    } finally {
      process.seteuid?.(0);
    }
  });

  it('cannot be made in a folder of another user', { skip: !isRoot && 'needs root' }, async (context) => {
    const folder = await temporaryFolder(context);
    // What makes an authority is loaded with the rights of its owner.
    await openAuthority({ folder: join(folder, 'one') });
    await chmod(folder, 0o755);
    process.seteuid?.(NOBODY);
    try {
      await assert.rejects(
        openAuthority({ folder: join(folder, 'other') }),
        refused(
          'unwritable',
          /\/other\/ca cannot be created \(EACCES\): expected a folder that this user may write$/,
        ),
      );
    } finally {
      process.seteuid?.(0);
    }
  });

  it('cannot be made where a file is', async (context) => {
    const folder = join(await temporaryFolder(context), 'file');
    await writeFile(folder, '');
    await assert.rejects(
      openAuthority({ folder }),
      refused('unreadable', /file\/ca cannot be read \(ENOTDIR\)/),
    );
    await rm(folder);
    await mkdir(folder);
    await writeFile(join(folder, 'ca'), '');
    await assert.rejects(
      openAuthority({ folder }),
      refused('unreadable', /file\/ca cannot be read \(ENOTDIR\)/),
    );
  });
});

describe('damaged files of the authority', () => {
  const damages: [what: string, file: string, content: string | undefined, expected: RegExp][] = [
    ['an empty key', 'key.pem', '', /key\.pem has no private key/],
    ['a cut key', 'key.pem', '-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqG', /key\.pem has no private key/],
    ['no key', 'key.pem', undefined, /key\.pem is missing/],
    ['an empty certificate', 'certificate.pem', '', /certificate\.pem has no certificate/],
    ['noise for a certificate', 'certificate.pem', '\0\x01noise', /certificate\.pem has no certificate/],
    [
      'a certificate that is none',
      'certificate.pem',
      '-----BEGIN CERTIFICATE-----\nTm90IG9uZQ==\n-----END CERTIFICATE-----\n',
      /certificate\.pem has a certificate that cannot be read/,
    ],
    ['no certificate', 'certificate.pem', undefined, /certificate\.pem is missing/],
    ['far too much', 'certificate.pem', 'x'.repeat(1024 * 1024 + 1), /got 1048577 bytes/],
  ];
  for (const [what, name, content, expected] of damages) {
    it(`are told of, and never replaced: ${what}`, async (context) => {
      const folder = await temporaryFolder(context);
      await openAuthority({ folder });
      const file = join(folder, 'ca', name);
      const other = join(folder, 'ca', name === 'key.pem' ? 'certificate.pem' : 'key.pem');
      const kept = await readFile(other, 'utf8');
      if (content === undefined) await rm(file);
      else await writeFile(file, content);
      await assert.rejects(openAuthority({ folder }), refused('invalid', expected));
      if (!what.includes('much')) {
        await assert.rejects(
          openAuthority({ folder }),
          /delete the folder \/.*\/ca: a new authority is made/,
        );
      }
      assert.equal(await readFile(other, 'utf8'), kept);
    });
  }

  it('are told of where the key is that of another authority', async (context) => {
    const folder = await temporaryFolder(context);
    await openAuthority({ folder: join(folder, 'one') });
    await openAuthority({ folder: join(folder, 'two') });
    const key = await readFile(join(folder, 'two', 'ca', 'key.pem'));
    await writeFile(join(folder, 'one', 'ca', 'key.pem'), key);
    const mismatch = refused('mismatch', /key\.pem is not the key of .*delete the folder/);
    await assert.rejects(openAuthority({ folder: join(folder, 'one') }), mismatch);
  });

  it('are made anew once the folder is deleted as the message says', async (context) => {
    const folder = await temporaryFolder(context);
    await openAuthority({ folder });
    await writeFile(join(folder, 'ca', 'key.pem'), '');
    const [, named = ''] = await openAuthority({ folder }).then(
      () => [],
      (error: Error) => /delete the folder ([^:]+):/.exec(error.message) ?? [],
    );
    await rm(named, { recursive: true });
    await openAuthority({ folder });
  });
});

describe('processes that start at once', () => {
  it('leave one good authority, and all use it', async (context) => {
    const folder = join(await temporaryFolder(context), 'softprobe');
    const opened = await Promise.all(Array.from({ length: 8 }, () => openElsewhere(folder)));
    const { certificate } = await openAuthority({ folder });
    for (const each of opened) assert.deepEqual(each, { certificate, isIssuing: true });
    assert.deepEqual(await readdir(folder), ['ca']);
  });

  it('come to the same within one process', async (context) => {
    const folder = await temporaryFolder(context);
    const opened = await Promise.all(Array.from({ length: 50 }, () => openAuthority({ folder })));
    assert.equal(new Set(opened.map(({ certificate }) => certificate)).size, 1);
    assert.deepEqual(await readdir(folder), ['ca']);
  });
});

describe('what a process left that was stopped while it made an authority', () => {
  it('is in nobody’s way, and is cleared away once it is old', async (context) => {
    const folder = await temporaryFolder(context);
    const [old, fresh] = ['.ca-0123456789abcdef', '.ca-fedcba9876543210'] as const;
    for (const name of [old, fresh]) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, 'key.pem'), 'half a k');
    }
    const hourAgo = new Date(Date.now() - 60 * 60 * 1000);
    await utimes(join(folder, old), hourAgo, hourAgo);
    const { certificate } = await openAuthority({ folder });
    assert(new X509Certificate(certificate).ca);
    // The other may be that of a process that is at it.
    assert.deepEqual((await readdir(folder)).sort(), [fresh, 'ca']);
  });

  it('is an empty folder at worst, which is taken for none', async (context) => {
    const folder = await temporaryFolder(context);
    await mkdir(join(folder, 'ca'));
    await openAuthority({ folder });
    assert.deepEqual((await readdir(join(folder, 'ca'))).sort(), ['certificate.pem', 'key.pem']);
  });
});
