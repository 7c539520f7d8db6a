import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordedResponse } from '../cases/support/exchange.ts';
import { CaseFolder, caseOf } from './support/case-folder.ts';
import { cli } from './support/cli.ts';

describe('softprobe-proxy validate', () => {
  const valid: [string, string, string][] = [
    ['case', 'x.case.json', JSON.stringify(caseOf({}))],
    ['rules', 'rules.yaml', 'version: 1\nrules:\n  - when: {path: /a}\n    then: {action: passthrough}\n'],
    ['policy', 'policy.json', '{"externalHttp":"strict","allowHosts":["a.example"]}'],
    ['fixtures', 'fixtures.yaml', 'tokens: [a]\n'],
    ['scrub-rules', 'scrub.yaml', 'redactPatterns: ["ACME-[0-9]+"]\n'],
  ];
  for (const [kind, name, text] of valid) {
    it(`says that ${kind} are valid`, async () => {
      await using folder = await CaseFolder.create();
      const path = await folder.write(name, text);
      const plain = await cli(['validate', kind, path]);
      assert.deepEqual([plain.code, plain.stdout, plain.stderr], [0, `${path}: valid\n`, '']);
      const { json } = await cli(['validate', kind, path, '--json']);
      assert.deepEqual([json.path, json.valid, json.errors, json.warnings], [path, true, [], []]);
    });
  }

  const invalid: [string, string, string, { pointer: string; line?: number }][] = [
    [
      'case',
      'no.case.json',
      '{\n "version": "1.0.0",\n "caseId": 7,\n "traces": []\n}',
      { pointer: '/caseId', line: 3 },
    ],
    [
      'case',
      'rule.case.json',
      '{"version":"1.0.0","caseId":"x","traces":[],\n"rules":[{"when":{"headerMatch":{"a":"("}},"then":{"action":"passthrough"}}]}',
      { pointer: '/rules/0/when/headerMatch/a', line: 2 },
    ],
    [
      'case',
      'id.case.json',
      '{"version":"1.0.0","caseId":"x","traces":[{"resourceSpans":[{"scopeSpans":[{"spans":[\n{"traceId":"xyz"}]}]}]}]}',
      { pointer: '/traces/0/resourceSpans/0/scopeSpans/0/spans/0/traceId', line: 2 },
    ],
    [
      'rules',
      'rules.yaml',
      'rules:\n  - when:\n      pathh: /a\n    then: {action: passthrough}\n',
      { pointer: '/rules/0/when/pathh', line: 3 },
    ],
    [
      'rules',
      'paths.yaml',
      'rules:\n  - when: {bodyJsonPath: "a.b"}\n    then: {action: passthrough}\n',
      { pointer: '/rules/0/when/bodyJsonPath', line: 2 },
    ],
    [
      'policy',
      'policy.yaml',
      'externalHttp: allow\nallowHosts:\n  - "a b"\n',
      { pointer: '/allowHosts/0', line: 3 },
    ],
    ['fixtures', 'fixtures.json', '{"tokens":7}', { pointer: '/tokens', line: 1 }],
    [
      'scrub-rules',
      'scrub.yaml',
      'redactBodyPaths:\n  - $.ok\n  - card\n',
      { pointer: '/redactBodyPaths/1', line: 3 },
    ],
  ];
  for (const [kind, name, text, { pointer, line }] of invalid) {
    it(`ends with 5 for ${kind} in ${name}, with line and pointer`, async () => {
      await using folder = await CaseFolder.create();
      const path = await folder.write(name, text);
      const plain = await cli(['validate', kind, path]);
      assert.equal(plain.code, 5);
      assert.ok(plain.stdout.includes(`error: line ${line}: ${pointer}: `), plain.stdout);
      const { json } = await cli(['validate', kind, path, '--json']);
      assert.deepEqual([json.valid, json.error?.code], [false, 'invalid_document']);
      const [first] = json.errors as { pointer: string; line: number }[];
      assert.deepEqual([first?.pointer, first?.line], [pointer, line]);
    });
  }

  it('warns of sizes, and of rules without effect', async () => {
    await using folder = await CaseFolder.create();
    const large = caseOf({ response: recordedResponse(['content-type', 'text/plain'], 'x'.repeat(70_000)) });
    const path = await folder.write('large.case.json', large);
    const { code, json } = await cli(['validate', 'case', path, '--json']);
    assert.equal(code, 0);
    assert.match(JSON.stringify(json.warnings), /70000 bytes/);
    const rules = await folder.write('old.yaml', 'rules:\n  - when: {}\n    then: {action: replay}\n');
    const old = await cli(['validate', 'rules', rules]);
    assert.equal(old.code, 0);
    assert.match(old.stdout, /warning: line 2: \/rules: .*replay/);
  });

  it('goes through all files, and ends with the worst of them', async () => {
    await using folder = await CaseFolder.create();
    const good = await folder.write('good.case.json', caseOf({}));
    const bad = await folder.write('bad.case.json', '{}');
    const none = folder.at('none.case.json');
    const { code, json } = await cli(['validate', 'case', none, bad, good, '--json']);
    assert.equal(code, 5);
    assert.deepEqual(
      (json.files as { path: string; valid: boolean }[]).map(({ path, valid: is }) => [path, is]),
      [
        [none, false],
        [bad, false],
        [good, true],
      ],
    );
    assert.equal(json.path, undefined);
    const unread = await cli(['validate', 'case', good, none, '--json']);
    assert.deepEqual([unread.code, unread.json.error?.code], [1, 'unreadable_document']);
  });

  it('says why a file could not be checked, and does not call it invalid', async () => {
    await using folder = await CaseFolder.create();
    const none = folder.at('none.case.json');
    const bad = await folder.write('bad.case.json', '{}');
    const alone = await cli(['validate', 'case', none]);
    assert.deepEqual(
      [alone.code, alone.stdout, alone.stderr],
      [1, `${none}: not checked\n`, `softprobe-proxy: there is no file ${none}\n`],
    );
    const both = await cli(['validate', 'case', none, bad]);
    assert.equal(
      both.stderr,
      `softprobe-proxy: not a valid case document: ${bad}\nthere is no file ${none}\n`,
    );
  });

  it('ends with 5 for a file that is empty or no JSON, 1 for a folder, 2 for none', async () => {
    await using folder = await CaseFolder.create();
    const empty = await folder.write('empty.case.json', '');
    const broken = await folder.write('broken.case.json', '{"version":\n');
    assert.equal((await cli(['validate', 'case', empty])).code, 5);
    const { code, stdout } = await cli(['validate', 'case', broken]);
    assert.equal(code, 5);
    assert.match(stdout, /line 2/);
    assert.equal((await cli(['validate', 'case', folder.path])).code, 1);
    assert.equal((await cli(['validate', 'case'])).code, 2);
  });

  it('says that there is no configuration file', async () => {
    const { code, stderr } = await cli(['validate', 'config', 'softprobe.yaml']);
    assert.equal(code, 2);
    assert.match(stderr, /has no configuration file/);
  });
});
