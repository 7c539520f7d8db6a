import assert from 'node:assert/strict';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type CommandResult, cli } from './support/cli.ts';
import { read } from './support/control-client.ts';
import { Program } from './support/program.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

let folder = '';
let origin: ScriptedOrigin;
let program: Program;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'softprobe-doctor-test-'));
  origin = await ScriptedOrigin.listen();
  program = await Program.start(origin.url, [], { SOFTPROBE_CA_DIR: folder });
});
after(async () => {
  await program[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** All else the proxy tells of itself. */
function urls(): string[] {
  return ['--runtime-url', program.control];
}

function statuses({ json }: CommandResult): Record<string, string> {
  const checks = json.checks as { name: string; status: string }[];
  return Object.fromEntries(checks.map(({ name, status }) => [name, status]));
}

/** A shell in which nothing is set up, and the only client is Node.js: the others take long. */
const bare = () => ({
  env: { SOFTPROBE_CA_DIR: folder, NODE_EXTRA_CA_CERTS: '', PATH: dirname(process.execPath) },
});

describe('softprobe-proxy doctor', () => {
  it('finds everything right in a shell that is set up by `env`', async () => {
    const set = ['env', '--json', '--egress-url', program.egress, '--ca-dir', folder];
    const variables = (await cli(set)).json.variables as NodeJS.ProcessEnv;
    const args = ['doctor', ...urls(), '--ca-dir', folder];
    const result = await cli([...args, '--json'], { env: variables });
    assert.equal(result.code, 0, result.stdout);
    assert.deepEqual(new Set(Object.values(statuses(result))), new Set(['ok']), result.stdout);
    for (const name of ['runtime', 'versions', 'ingress', 'egress', 'admin', 'authority', 'trust-node']) {
      assert.equal(statuses(result)[name], 'ok');
    }
    assert.equal(result.json.runtimeVersion, result.json.cliVersion);
    assert.equal(result.json.specVersion, 'http-control-api@v1');
    const text = await cli(args, { env: { ...variables, PATH: dirname(process.execPath) } });
    assert.equal(text.code, 0);
    assert.match(text.stdout, /^ok {4}ingress: http/m);
    assert.equal(text.stdout.includes('\u001b'), false);
  });

  it('leaves no session behind and calls nobody', async () => {
    origin.clear();
    await cli(['doctor', ...urls()], bare());
    assert.deepEqual((await read(`${program.control}/v1/sessions`)).sessions, []);
    assert.deepEqual((await read(`${program.control}/v1/uncorrelated`)).requests, []);
  });

  it('warns, and ends with 0, where clients do not trust the authority or the shell has no proxy', async () => {
    const result = await cli(['doctor', ...urls(), '--json'], bare());
    assert.equal(result.code, 0, result.stdout);
    assert.equal(statuses(result)['trust-node'], 'warn');
    assert.equal(statuses(result)['proxy-variables'], 'warn');
    assert.match(result.stdout, /NODE_EXTRA_CA_CERTS/);
  });

  it('ends with 10 when nothing runs, and says what to start', async () => {
    const nowhere = 'http://127.0.0.1:1';
    const flags = ['--runtime-url', nowhere, '--admin-url', nowhere];
    const result = await cli(['doctor', ...flags, '--json'], bare());
    assert.equal(result.code, 10);
    assert.equal(result.json.error?.code, 'doctor_failed');
    assert.equal(result.json.runtimeVersion, null);
    assert.deepEqual([statuses(result).runtime, statuses(result).admin], ['fail', 'fail']);
    const text = await cli(['doctor', ...flags], bare());
    assert.equal(text.code, 10);
    assert.match(
      text.stdout,
      /^fail {2}runtime: nothing answers at http:\/\/127\.0\.0\.1:1 .*\n +start the proxy/m,
    );
    assert.match(text.stderr, /2 checks failed: runtime, admin/);
  });

  it('ends with 10 when what should be the ingress is something else', async () => {
    const result = await cli(['doctor', ...urls(), '--ingress-url', origin.url, '--json'], bare());
    assert.equal(result.code, 10);
    assert.deepEqual([statuses(result).ingress, statuses(result).egress], ['fail', 'ok']);
  });

  it('makes no authority where there is none', async () => {
    const none = join(folder, 'none');
    const result = await cli(['doctor', ...urls(), '--ca-dir', none, '--json'], bare());
    assert.equal(statuses(result).authority, 'warn');
    await assert.rejects(access(none), { code: 'ENOENT' });
  });

  it('ends with 2 for a URL that is none', async () => {
    const { code, stderr } = await cli(['doctor', '--admin-url', 'here']);
    assert.equal(code, 2);
    assert.match(stderr, /--admin-url: expected an http/);
  });
});
