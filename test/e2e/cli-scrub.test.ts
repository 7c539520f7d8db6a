import assert from 'node:assert/strict';
import { stat, symlink } from 'node:fs/promises';
import { describe, it } from 'node:test';
import zlib from 'node:zlib';
import { recordedResponse } from '../cases/support/exchange.ts';
import { CaseFolder, caseOf } from './support/case-folder.ts';
import { cli } from './support/cli.ts';

const token = `ghp_${'a1B2c3D4e5F6'.repeat(3)}`;
const leaky = caseOf({
  hop: { headers: ['authorization', `Bearer ${token}`] },
  response: recordedResponse(
    ['content-type', 'application/json'],
    JSON.stringify({ card: '4111', key: token }),
  ),
});
const clean = caseOf({});

describe('softprobe-proxy scrub', () => {
  it('takes secrets out in place; a second time changes no byte', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('leaky.case.json', leaky);
    const first = await cli(['scrub', path]);
    assert.equal(first.code, 0);
    assert.match(first.stdout, /leaky\.case\.json: 2 secrets hidden\n {2}secret-header at \/traces\/0\//);
    const scrubbed = await folder.read('leaky.case.json');
    assert.ok(!(scrubbed + first.stdout + first.stderr).includes(token));
    const { json } = await cli(['scrub', path, '--json']);
    assert.deepEqual(json.files, [{ path, changed: false, findings: [] }]);
    assert.equal(await folder.read('leaky.case.json'), scrubbed);
    assert.equal((await cli(['scrub', '--check', path])).code, 0);
  });

  it('hides what a rules file names', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('leaky.case.json', leaky);
    const rules = await folder.write(
      'scrub.yaml',
      'version: 1\nredactBodyPaths: ["$.card"]\nredactPatterns: ["stock[.]example"]\n',
    );
    const { code } = await cli(['scrub', path, '--rules', rules]);
    assert.equal(code, 0);
    assert.ok(!/4111|stock\.example/.test(await folder.read('leaky.case.json')));
  });

  it('ends with 5 for a case that is nested too deeply to be gone through', async () => {
    await using folder = await CaseFolder.create();
    const deep = '['.repeat(50_000) + ']'.repeat(50_000);
    const path = await folder.write(
      'deep.json',
      `{"version":"1.0.0","caseId":"x","traces":[],"note":${deep}}`,
    );
    const { code, json } = await cli(['scrub', path, '--json']);
    assert.deepEqual([code, json.error?.code], [5, 'invalid_case']);
  });

  it('goes on after files that it cannot use, tells of all of them, and ends with the worst', async () => {
    await using folder = await CaseFolder.create();
    const first = await folder.write('first.case.json', leaky);
    const last = await folder.write('last.case.json', leaky);
    const none = folder.at('none.case.json');
    const noCase = await folder.write('no.case.json', '{}');
    const { code, stdout, stderr } = await cli(['scrub', first, none, folder.path, last]);
    assert.equal(code, 1);
    assert.match(stdout, /first\.case\.json: 2 secrets hidden\n.*last\.case\.json: 2 secrets hidden\n/s);
    assert.ok(stdout.includes(`\n${none}: not scrubbed\n${folder.path}: not scrubbed\n`), stdout);
    assert.ok(stderr.includes(`there is no case file ${none}\n${folder.path} is a directory`), stderr);
    assert.ok(!(await folder.read('last.case.json')).includes(token));
    const checked = await cli(['scrub', '--check', none, noCase, first, '--json']);
    assert.deepEqual([checked.code, checked.json.error?.code], [5, 'invalid_case']);
    const files = checked.json.files as { path: string; error?: { code: string } }[];
    assert.deepEqual(
      files.map(({ path, error }) => [path, error?.code]),
      [
        [none, 'unreadable_case'],
        [noCase, 'invalid_case'],
        [first, undefined],
      ],
    );
  });

  it('tells of secrets beside files that could not be checked', async () => {
    await using folder = await CaseFolder.create();
    const bad = await folder.write('leaky.case.json', leaky);
    const { code, stderr } = await cli(['scrub', '--check', folder.at('none'), bad]);
    assert.equal(code, 1);
    assert.match(stderr, /there is no case file .*none\nsecrets in .*leaky\.case\.json;/);
  });

  it('writes through a link', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('leaky.case.json', leaky);
    await symlink(path, folder.at('link.case.json'));
    await cli(['scrub', folder.at('link.case.json')]);
    assert.ok(!(await folder.read('leaky.case.json')).includes(token));
  });
});

describe('softprobe-proxy scrub --check', () => {
  it('ends with 1 and says where, never what; it changes nothing', async () => {
    await using folder = await CaseFolder.create();
    const bad = await folder.write('leaky.case.json', leaky);
    const good = await folder.write('clean.case.json', clean);
    const before = await stat(bad);
    const { code, stdout, stderr } = await cli(['scrub', '--check', good, bad]);
    assert.equal(code, 1);
    assert.match(stdout, /clean\.case\.json: nothing to hide\n.*leaky\.case\.json: 2 secrets\n/);
    assert.match(stderr, /leaky\.case\.json/);
    const { json } = await cli(['scrub', '--check', good, bad, '--json']);
    assert.equal(json.error?.code, 'secrets_found');
    assert.ok(!(stdout + stderr + JSON.stringify(json)).includes(token));
    assert.equal((await stat(bad)).mtimeMs, before.mtimeMs);
  });

  it('finds the secrets of a file in any encoding', async () => {
    await using folder = await CaseFolder.create();
    const secret = 'correct horse "battery"';
    const secrets = await folder.write('secrets', `\n${secret}\nother-secret\n`);
    const octets = ['content-type', 'application/octet-stream'];
    const bodies = [
      secret,
      encodeURIComponent(secret),
      JSON.stringify({ a: JSON.stringify(secret) }),
      Buffer.from(`x${secret}`).toString('base64url'),
      zlib.gzipSync(secret),
      zlib.zstdCompressSync(secret),
    ];
    for (const [index, body] of bodies.entries()) {
      const path = await folder.write(`${index}.json`, caseOf({ response: recordedResponse(octets, body) }));
      assert.equal((await cli(['scrub', '--check', path])).code, 0, String(body));
      const { code, json } = await cli(['scrub', '--check', '--secrets-file', secrets, path, '--json']);
      assert.equal(code, 1, String(body));
      assert.match(JSON.stringify(json.files), /"kind":"known-secret"/);
    }
  });

  it('refuses secrets that would be found everywhere, and rules that cannot be followed', async () => {
    await using folder = await CaseFolder.create();
    const path = await folder.write('clean.case.json', clean);
    const secrets = await folder.write('secrets', 'long enough\nabc\n');
    const short = await cli(['scrub', '--check', '--secrets-file', secrets, path, '--json']);
    assert.deepEqual([short.code, short.json.error?.code], [5, 'invalid_secrets']);
    assert.match(String(short.json.error?.message), /line 2/);
    assert.ok(!short.stdout.includes('abc'));
    const rules = await folder.write('scrub.yaml', 'redactHeaders: [x-a]\nredactPatterns:\n  - "("\n');
    const wrong = await cli(['scrub', path, '--rules', rules, '--json']);
    assert.deepEqual([wrong.code, wrong.json.error?.code], [5, 'invalid_rules']);
    assert.match(
      JSON.stringify(wrong.json.error?.details),
      /^\[\{"pointer":"\/redactPatterns\/0","message":.*"line":3\}\]$/,
    );
    const none = await cli(['scrub', '--check', '--secrets-file', folder.at('none'), path, '--json']);
    assert.deepEqual([none.code, none.json.error?.code], [1, 'unreadable_document']);
  });

  it('ends with 1, 5 and 2 for files that are none', async () => {
    await using folder = await CaseFolder.create();
    const empty = await folder.write('empty.json', '');
    for (const [args, code] of [
      [[folder.at('none.json')], 1],
      [[folder.path], 1],
      [[empty], 5],
      [[], 2],
    ] as const) {
      assert.equal((await cli(['scrub', '--check', ...args, '--json'])).code, code);
    }
  });
});
