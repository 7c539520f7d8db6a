import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ProxyAgent, request } from 'undici';
import { cli } from './support/cli.ts';
import { read, Session } from './support/control-client.ts';
import { Program } from './support/program.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

let folder = '';
let origin: ScriptedOrigin;
let program: Program;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-cli-session-'));
  origin = await ScriptedOrigin.listen();
  program = await Program.start(origin.url);
});
after(async () => {
  await program[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const here = (env: NodeJS.ProcessEnv = {}) => ({
  env: { SOFTPROBE_RUNTIME_URL: program.control, ...env },
  cwd: folder,
});

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

/** An open session, for the commands to work on. */
async function open(mode: 'capture' | 'replay' = 'replay'): Promise<string> {
  return (await Session.open(program.control, { mode })).id;
}

/** A request of a session by way of the ingress. */
async function drive(sessionId: string, path = '/'): Promise<string> {
  return (await fetch(program.ingress + path, { headers: { 'x-softprobe-session-id': sessionId } })).text();
}

function stateOf(sessionId: string): Promise<Record<string, unknown>> {
  return read(`${program.control}/v1/sessions/${sessionId}/state`);
}

const rules =
  '{ version: 1, rules: [{ id: a, when: { path: /a }, then: { action: mock, response: { body: mocked } } }] }';

describe('softprobe-proxy session start', () => {
  it('prints the id and nothing else on stdout', async () => {
    const { code, stdout, stderr } = await cli(['session', 'start', '--mode', 'capture'], here());
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^sess_[\w-]+\n$/);
    assert.match(stderr, /a capture session is open/);
    const quiet = await cli(['session', 'start', '--mode', 'capture', '--quiet'], here());
    assert.equal(quiet.stderr, '');
  });

  it('tells of it in JSON', async () => {
    const { json } = await cli(['session', 'start', '--mode', 'replay', '--json'], here());
    assert.equal(json.mode, 'replay');
    assert.equal(json.sessionRevision, 0);
    assert.equal(json.specVersion, 'http-control-api@v1');
    assert.equal(json.schemaVersion, '1');
  });

  it('prints lines for a shell, the runtime too where a flag named it', async () => {
    const line = ['session', 'start', '--mode', 'replay', '--shell'];
    const { stdout } = await cli(line, here());
    assert.match(stdout, /^export SOFTPROBE_SESSION_ID=sess_[\w-]+\n$/);
    const named = await cli([...line, '--runtime-url', program.control], { cwd: folder });
    assert.match(named.stdout, /^export SOFTPROBE_RUNTIME_URL=http:\/\/127\.0\.0\.1:\d+$/m);
  });

  it('begins with a policy, a case, a case id and a time to live', async () => {
    const policy = await file('policy.yaml', 'externalHttp: strict # nothing leaves\n');
    const loaded = await file('none.case.json', '{"version":"1.0.0","caseId":"none","traces":[]}');
    const flags = ['--policy', policy, '--case', loaded, '--case-id', 'mine', '--ttl', '90s'];
    const { json } = await cli(['session', 'start', '--mode', 'capture', '--json', ...flags], here());
    assert.equal(json.exitCode, 0);
    assert.equal(json.sessionRevision, 2);
    const state = await stateOf(String(json.sessionId));
    assert.deepEqual(state.policy, { externalHttp: 'strict' });
    assert.deepEqual(state.caseSummary, { caseId: 'none', traceCount: 0 });
  });

  it('leaves no session behind when its case is not valid', async () => {
    const count = async () =>
      ((await cli(['session', 'list', '--json'], here())).json.sessions as unknown[]).length;
    const before = await count();
    const bad = await file('bad.case.json', '{"version":"1.0.0",\n"traces":[]}');
    const { json } = await cli(['session', 'start', '--mode', 'replay', '--case', bad, '--json'], here());
    assert.equal(json.exitCode, 5);
    assert.match(
      json.error?.message ?? '',
      /bad\.case\.json is not valid:\n {2}line 1: .*"caseId" is missing/,
    );
    assert.equal(await count(), before);
  });

  const mistakes: [string[], RegExp][] = [
    [['session', 'start'], /--mode: say which: capture, replay, generate/],
    [['session', 'start', '--mode', 'recrod'], /--mode: expected one of capture, replay, generate/],
    [['session', 'start', '--mode', 'replay', '--shell', '--json'], /--shell: prints lines/],
    [['session', 'start', '--mode', 'replay', '--ttl', 'soon'], /--ttl: expected a time/],
    [['session', 'sart', '--mode', 'replay'], /session: unknown command "sart" \(did you mean start\?\)/],
    [['session', 'rules'], /session rules: say which: apply/],
    [['stats'], /unknown command "stats" \(did you mean session stats\?\)/],
    [['session', 'stats', '--sesion', 'x'], /unknown flag --sesion \(did you mean --session\?\)/],
    [['session', 'stats'], /which session\? say --session ID, or set SOFTPROBE_SESSION_ID/],
    [['session', 'rules', 'apply', '--session', 'x'], /--file: this flag is needed/],
    [['session', 'policy', 'set', '--session', 'x'], /say --strict, --offline or --file F/],
  ];
  for (const [args, message] of mistakes) {
    it(`ends with 2: ${args.join(' ')}`, async () => {
      const { code, stderr } = await cli(args, here());
      assert.equal(code, 2);
      assert.match(stderr, message);
    });
  }
});

describe('softprobe-proxy session rules apply, load-case, policy set, fixtures set', () => {
  it('takes YAML, JSON, and stdin', async () => {
    const session = await open();
    const yaml = await file('rules.yaml', rules);
    const json = await file(
      'rules.json',
      '{"version":1,"rules":[{"when":{},"then":{"action":"passthrough"}},{"when":{},"then":{"action":"passthrough"}}]}',
    );
    const apply = ['session', 'rules', 'apply', '--session', session, '--json', '--file'];
    assert.equal((await cli([...apply, yaml], here())).json.ruleCount, 1);
    assert.equal((await cli([...apply, json], here())).json.ruleCount, 2);
    const piped = await cli([...apply, '-'], { ...here(), stdin: `\uFEFF${rules}` });
    assert.equal(piped.json.ruleCount, 1);
    assert.equal(piped.json.sessionRevision, 3);
    assert.equal(await drive(session, '/a'), 'mocked');
  });

  it('tells in words what has changed', async () => {
    const session = await open();
    const env = { SOFTPROBE_SESSION_ID: session };
    const loaded = await file('said.case.json', '{"version":"1.0.0","caseId":"said","traces":[]}');
    const fixtures = await file('auth.yaml', 'tokens: { admin: t0p }\n');
    const said = async (...args: string[]) => {
      const { code, stdout, stderr } = await cli(['session', ...args], here(env));
      assert.equal(code, 0, stderr);
      return stdout;
    };
    assert.equal(
      await said('rules', 'apply', '--file', await file('r.yaml', rules)),
      `session ${session}: 1 rule (revision 1)\n`,
    );
    assert.equal(
      await said('load-case', '--file', loaded),
      `session ${session}: case said, 0 hops (revision 2)\n`,
    );
    assert.equal(
      await said('fixtures', 'set', '--file', fixtures),
      `session ${session}: fixtures set (revision 3)\n`,
    );
    assert.equal(await said('policy', 'set', '--offline'), `session ${session}: policy set (revision 4)\n`);
  });

  it('tells each of them in JSON', async () => {
    const session = await open();
    const path = await file('told.case.json', '{"version":"1.0.0","caseId":"told","traces":[]}');
    const auth = await file('told.yaml', 'cookies: { sid: abc }');
    const told = async (...args: string[]) =>
      (await cli(['session', ...args, '--json', '--session', session], here())).json;
    assert.equal((await told('load-case', '--file', path)).caseId, 'told');
    assert.equal((await told('fixtures', 'set', '--file', auth)).sessionRevision, 2);
    assert.equal((await told('policy', 'set', '--strict')).sessionRevision, 3);
  });

  it('puts the flags of policy set over the file', async () => {
    const session = await open();
    const policy = await file('allow.yaml', 'externalHttp: allow\nallowHosts: [a.example]\n');
    const flags = ['--strict', '--offline', '--file', policy];
    const { code } = await cli(['session', 'policy', 'set', '--session', session, ...flags], here());
    assert.equal(code, 0);
    const state = await stateOf(session);
    assert.deepEqual(state.policy, { externalHttp: 'strict', allowHosts: ['a.example'], offline: true });
  });

  it('passes on what the runtime warns of', async () => {
    const path = await file('old.yaml', '{ version: 1, rules: [{ when: {}, then: { action: replay } }] }');
    const apply = ['session', 'rules', 'apply', '--session', await open(), '--file', path];
    assert.match((await cli(apply, here())).stderr, /warning: .*replay/);
    const { json } = await cli([...apply, '--json'], here());
    assert.equal((json.warnings as string[]).length, 1);
  });

  it('names file, line and pointer of each mistake', async () => {
    const path = await file(
      'wrong.yaml',
      'version: 1\nrules:\n  - when:\n      pth: /a\n    then:\n      action: mok\n',
    );
    const apply = ['session', 'rules', 'apply', '--session', await open(), '--file', path];
    const { code, stderr } = await cli(apply, here());
    assert.equal(code, 5);
    assert.match(stderr, /wrong\.yaml is not valid:\n/);
    assert.match(stderr, /line 4: \/rules\/0\/when\/pth: unknown key "pth" \(did you mean "path"\?\)/);
    assert.match(stderr, /line 6: \/rules\/0\/then\/action: expected one of /);
    const { json } = await cli([...apply, '--json'], here());
    assert.equal(json.error?.code, 'invalid_request');
    const details = json.error?.details as { line: number }[] | undefined;
    assert.deepEqual(details?.map(({ line }) => line).sort(), [4, 6]);
  });

  const documents: [string, string, string, number, RegExp][] = [
    ['an empty file', 'empty.yaml', ' \n', 5, /empty\.yaml is empty/],
    ['JSON that is none', 'broken.json', '{"version":1,\n]', 5, /broken\.json is not valid JSON at line 2/],
    ['YAML that is none', 'broken.yaml', 'a: [1,\nb: }', 5, /broken\.yaml is not valid YAML at line 2/],
    [
      'a tag of another language',
      'tag.yaml',
      'rules: !!js/function "x"',
      5,
      /tag\.yaml is not valid YAML.*tag/i,
    ],
    [
      'a key that comes twice',
      'twice.yaml',
      'version: 1\nversion: 2\n',
      5,
      /twice\.yaml is not valid YAML at line 2.*unique/,
    ],
    ['two documents', 'two.yaml', 'a: 1\n---\nb: 2\n', 5, /two\.yaml is not valid YAML/],
    ['aliases without end', 'bomb.yaml', bomb(), 5, /bomb\.yaml is YAML that makes no document: .*alias/i],
    ['no UTF-8', 'latin.yaml', '', 5, /latin\.yaml is not UTF-8/],
    [
      'a text',
      'text.yaml',
      'just words',
      5,
      /text\.yaml is not valid:\n {2}line 1: \(document\): expected object/,
    ],
    ['a name of the prototype', 'proto.yaml', '__proto__: { version: 1 }', 5, /proto\.yaml is not valid:/],
  ];
  for (const [what, name, content, exitCode, message] of documents) {
    it(`ends with ${exitCode} for ${what}`, async () => {
      const path = await file(name, content);
      if (name === 'latin.yaml') await writeFile(path, Buffer.from([0x61, 0xe9]));
      const apply = ['session', 'rules', 'apply', '--session', await open(), '--file', path, '--json'];
      const { json } = await cli(apply, here());
      assert.equal(json.exitCode, exitCode);
      assert.match(json.error?.message ?? '', message);
    });
  }

  it('ends with 1 for a file that is not there, and for a directory', async () => {
    const apply = ['session', 'rules', 'apply', '--session', await open(), '--json', '--file'];
    const missing = (await cli([...apply, join(folder, 'nowhere.yaml')], here())).json;
    assert.deepEqual([missing.exitCode, missing.error?.code], [1, 'unreadable_document']);
    assert.match(missing.error?.message ?? '', /there is no file .*nowhere\.yaml/);
    const directory = (await cli([...apply, folder], here())).json;
    assert.equal(directory.exitCode, 1);
    assert.match(directory.error?.message ?? '', /is a directory/);
  });

  it('ends with 1 for a case of 200 MB, which the runtime does not take', async () => {
    const path = join(folder, 'large.case.json');
    const start = '{"version":"1.0.0","caseId":"large","traces":[],"filler":"';
    await writeFile(path, `${start}${'x'.repeat(200_000_000)}"}`);
    const session = await open();
    const { json } = await cli(
      ['session', 'load-case', '--session', session, '--file', path, '--json'],
      here(),
    );
    assert.equal(json.error?.code, 'payload_too_large');
    assert.match(json.error?.message ?? '', /large\.case\.json: the body is larger than/);
    await truncate(path);
    const again = await cli(['session', 'stats', '--session', session, '--json'], here());
    assert.equal(again.json.sessionRevision, 0);
  });
});

describe('softprobe-proxy session stats and list', () => {
  it('show what was counted', async () => {
    const session = await open('capture');
    await drive(session);
    const env = { SOFTPROBE_SESSION_ID: session };
    const { code, stdout } = await cli(['session', 'stats'], here(env));
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^session ${session} \\(capture, revision 0\\)\n`));
    assert.match(stdout, /^ +recorded +1$/m);
    assert.match(stdout, /^ +tied by +header 1$/m);
    const { json } = await cli(['session', 'stats', '--json'], here(env));
    assert.equal((json.stats as Record<string, unknown>).extractedSpans, 1);
  });

  it('list the open sessions', async () => {
    const session = await open();
    const { stdout } = await cli(['session', 'list'], here());
    assert.match(stdout, new RegExp(`^${session} +replay +0$`, 'm'));
    const { json } = await cli(['session', 'list', '--json'], here());
    const sessions = json.sessions as { sessionId: string }[];
    assert.ok(sessions.some(({ sessionId }) => sessionId === session));
  });

  it('say so when none is open', async () => {
    await using empty = await Program.start(origin.url);
    const { stdout } = await cli(['session', 'list', '--runtime-url', empty.control]);
    assert.equal(stdout, 'no session is open\n');
  });
});

describe('softprobe-proxy session close', () => {
  it('tells where the runtime wrote the case', async () => {
    const session = await open('capture');
    await drive(session);
    const { json } = await cli(['session', 'close', '--session', session, '--json'], here());
    assert.equal(json.closed, true);
    assert.equal((json.stats as Record<string, unknown>).extractedSpans, 1);
    assert.ok(String(json.capturePath).startsWith(program.captureDir));
  });

  it('brings the case to --out, for its owner only', async () => {
    const session = await open('capture');
    await drive(session, '/out');
    const args = ['session', 'close', '--session', session, '--out', 'mine.case.json'];
    const { code, stdout } = await cli(args, here());
    assert.equal(code, 0);
    const path = join(folder, 'mine.case.json');
    assert.match(stdout, new RegExp(`\ncase ${path}\n$`));
    const document = JSON.parse(await readFile(path, 'utf8'));
    assert.equal(document.traces.length, 1);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(
      (await readdir(folder)).some((name) => name.endsWith('.tmp')),
      false,
    );
  });

  it('keeps the session open when --out cannot be written', async () => {
    const session = await open('capture');
    for (const out of [folder, join(folder, 'no', 'such', 'folder.case.json')]) {
      const { json } = await cli(['session', 'close', '--session', session, '--out', out, '--json'], here());
      assert.deepEqual([json.exitCode, json.error?.code], [1, 'unwritable_file']);
    }
    assert.equal((await cli(['session', 'stats', '--session', session], here())).code, 0);
  });

  it('says so when there was nothing to write, and leaves an older file alone', async () => {
    const out = await file('older.case.json', 'older');
    const { json } = await cli(
      ['session', 'close', '--session', await open(), '--out', out, '--json'],
      here(),
    );
    assert.deepEqual([json.exitCode, json.error?.code, json.closed], [1, 'nothing_recorded', true]);
    assert.equal(json.capturePath, null);
    assert.equal(await readFile(out, 'utf8'), 'older');
  });

  it('ends with 4 for a session that is not open', async () => {
    const args = ['session', 'close', '--session', 'sess_none', '--json'];
    const { json, stderr } = await cli(args, here());
    assert.deepEqual([json.exitCode, json.error?.code], [4, 'unknown_session']);
    assert.match(stderr, /softprobe-proxy session list/);
  });
});

describe('a runtime that cannot be talked to', () => {
  it('ends with 3 when nothing listens, and says what to start', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    const url = `http://127.0.0.1:${port}`;
    const { json } = await cli(['session', 'list', '--json', '--runtime-url', url]);
    assert.deepEqual([json.exitCode, json.error?.code], [3, 'runtime_unreachable']);
    assert.match(json.error?.message ?? '', new RegExp(`nothing answers at ${url} \\(ECONNREFUSED\\)`));
    assert.match(json.error?.message ?? '', /softprobe-proxy start/);
  });

  it('ends with 3 when something else answers', async () => {
    const { json } = await cli(['session', 'list', '--json', '--runtime-url', origin.url]);
    assert.deepEqual([json.exitCode, json.error?.code], [3, 'not_a_runtime']);
  });

  it('names the token when it is missing or wrong, and never shows it', async () => {
    await using guarded = await Program.start(origin.url, [], { SOFTPROBE_API_TOKEN: 'right' });
    const line = ['session', 'list', '--json', '--runtime-url', guarded.control];
    const missing = (await cli(line)).json;
    assert.deepEqual([missing.exitCode, missing.error?.code], [1, 'missing_bearer_token']);
    assert.match(missing.error?.message ?? '', /SOFTPROBE_API_TOKEN/);
    const wrong = await cli(line, { env: { SOFTPROBE_API_TOKEN: 'wrong-one' } });
    assert.equal(wrong.json.error?.code, 'invalid_bearer_token');
    assert.equal((wrong.stdout + wrong.stderr).includes('wrong-one'), false);
    assert.equal((await cli(line, { env: { SOFTPROBE_API_TOKEN: 'right' } })).json.exitCode, 0);
  });

  it('is not asked for by way of the HTTP_PROXY of the shell', async () => {
    const env = {
      HTTP_PROXY: 'http://127.0.0.1:1',
      http_proxy: 'http://127.0.0.1:1',
      NODE_USE_ENV_PROXY: '1',
    };
    const { code, stderr } = await cli(['session', 'list'], here(env));
    assert.equal(code, 0, stderr);
  });
});

describe('softprobe-proxy session misses and explain', () => {
  it('show what was refused, and what kept the nearest rule from answering', async () => {
    const session = await Session.open(program.control, { mode: 'replay' });
    await session.setPolicy({ offline: true });
    await session.setRules([
      { id: 'stock', when: { method: 'GET', path: '/stocks' }, then: { action: 'mock', response: {} } },
    ]);
    const env = { SOFTPROBE_SESSION_ID: session.id };
    assert.equal((await cli(['session', 'misses'], here(env))).stdout, 'no call was refused\n');
    assert.equal(await statusByEgress(session.id, `${origin.url}/stock`), 599);
    const { stdout } = await cli(['session', 'misses'], here(env));
    assert.match(stdout, new RegExp(`^GET ${origin.url}/stock \\(.*Z\\)\n  stock\n`));
    assert.match(stdout, /^ {4}\/path: expected "\/stocks", got "\/stock"/m);
    const { json } = await cli(['session', 'misses', '--json'], here(env));
    assert.equal(json.total, 1);
  });

  it('tell what would become of a call', async () => {
    const session = await Session.open(program.control, { mode: 'replay' });
    await session.setRules([
      {
        id: 'pay',
        when: { path: '/pay', headers: { 'x-tenant': 'a' } },
        then: { action: 'mock', response: { status: 201 } },
      },
    ]);
    const explain = ['session', 'explain', '--session', session.id, 'POST', 'http://pay.example/pay'];
    const no = await cli(explain, here());
    assert.equal(no.code, 0);
    assert.match(no.stdout, /^ {2}pay \(session\)\n/m);
    assert.match(no.stdout, /^ {4}- \/headers\/x-tenant: expected "a", got nothing/m);
    const yes = await cli([...explain, '--header', 'x-tenant: a', '--json'], here());
    assert.deepEqual(yes.json.decision, { ...(yes.json.decision as object), rule: 'pay', status: 201 });
    const said = await cli([...explain, '--header', 'x-tenant: a'], here());
    assert.match(said.stdout, /^ {2}pay \(session, decides\)\n {4}\+ /m);
  });

  it('end with 2, 4 and 5 for what is wrong', async () => {
    const wrong = ['session', 'explain', 'GET', 'http://x/', '--session', 'sess_none'];
    assert.equal((await cli([...wrong, '--json'], here())).json.error?.code, 'unknown_session');
    assert.match((await cli([...wrong, '--header', 'x'], here())).stderr, /--header: expected "name: value"/);
    assert.equal((await cli(['session', 'misses', '--session', 'sess_none'], here())).code, 4);
    const relative = ['session', 'explain', 'GET', '/only/a/path', '--session', await open()];
    assert.equal((await cli([...relative, '--json'], here())).json.exitCode, 5);
  });
});

/** The status of a request of a session by way of the egress. */
async function statusByEgress(sessionId: string, url: string): Promise<number> {
  const agent = new ProxyAgent({ uri: program.egress, proxyTunnel: false });
  const { statusCode, body } = await request(url, {
    dispatcher: agent,
    headers: { 'x-softprobe-session-id': sessionId },
  });
  await body.dump();
  await agent.close();
  return statusCode;
}

/** A document that would be a billion words if every alias were followed. */
function bomb(): string {
  const lines = ['a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
  for (let level = 1; level < 9; level++) {
    const alias = `*a${level - 1}`;
    lines.push(`a${level}: &a${level} [${Array(9).fill(alias).join(', ')}]`);
  }
  return lines.join('\n');
}
