import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { recordedBody, recordedResponse } from '../cases/support/exchange.ts';
import { CaseFolder, caseOf } from './support/case-folder.ts';
import { cli } from './support/cli.ts';

const json = ['content-type', 'application/json'];
const answered = (body: unknown, status = 200) => ({
  response: recordedResponse(json, JSON.stringify(body), status),
});
const cart = { hop: { path: '/cart' } };

describe('softprobe-proxy diff', () => {
  it('ends with 0 where only noise differs, and shows it when asked', async () => {
    await using folder = await CaseFolder.create();
    const left = await folder.write(
      'left.json',
      caseOf({ ...cart, ...answered({ at: '2026-11-20T12:00:00Z' }) }),
    );
    const right = await folder.write(
      'right.json',
      caseOf({ ...cart, ...answered({ at: '2026-11-21T13:00:01Z' }) }),
    );
    const plain = await cli(['diff', left, right]);
    assert.deepEqual(
      [plain.code, plain.stdout, plain.stderr],
      [0, '0 added, 0 removed, 0 changed, 1 the same (1 differences are noise; --noise shows it)\n', ''],
    );
    const noisy = await cli(['diff', left, right, '--noise']);
    assert.equal(noisy.code, 0);
    assert.match(noisy.stdout, /^= #1 outbound GET .*\/cart -> 200\n {4}\/response\/body\/at: .* \(time\)$/m);
    const { json: told } = await cli(['diff', left, right, '--noise', '--json']);
    assert.equal(told.noiseCount, 1);
    assert.equal((told.noisy as unknown[]).length, 1);
  });

  it('ends with 20 and says what was added, removed and changed', async () => {
    await using folder = await CaseFolder.create();
    const pay = { hop: { method: 'POST', path: '/pay' } };
    const left = await folder.write(
      'left.json',
      caseOf({ ...cart, ...answered({ total: 3 }) }, { hop: { path: '/old' } }),
    );
    const right = await folder.write('right.json', caseOf(pay, { ...cart, ...answered({ total: 4 }, 201) }));
    const { code, stdout, stderr } = await cli(['diff', left, right]);
    assert.equal(code, 20);
    assert.equal(
      stdout,
      [
        '~ #1 outbound GET http://stock.example:8090/cart -> 200 (there #2, 201)',
        '    /response/status: 200 -> 201',
        "    /response/body/total: 3 -> 4 (--ignore '$.total' leaves it out)",
        '- #2 outbound GET http://stock.example:8090/old -> 200',
        '+ #1 outbound POST http://stock.example:8090/pay -> 200',
        '',
        '1 added, 1 removed, 1 changed, 0 the same',
        '',
      ].join('\n'),
    );
    assert.match(stderr, /the captures differ/);
    const { json: told } = await cli(['diff', left, right, '--json']);
    assert.equal(told.status, 'drift');
    assert.deepEqual(
      [told.added, told.removed, told.changed].map((list) => (list as unknown[]).length),
      [1, 1, 1],
    );
  });

  it('leaves out what it is told to', async () => {
    await using folder = await CaseFolder.create();
    const capture = (stock: number, build: string) =>
      caseOf({ hop: { path: '/a', headers: ['x-build', build] }, ...answered([{ stock }, { stock }]) });
    const left = await folder.write('left.json', capture(1, 'old'));
    const right = await folder.write('right.json', capture(2, 'new'));
    const { code, stdout } = await cli(['diff', left, right]);
    assert.equal(code, 20);
    // Said once for all elements.
    assert.equal(stdout.split("--ignore '$[*].stock' leaves it out").length, 2);
    assert.match(stdout, /x-build: "old" -> "new" \(--ignore-header x-build leaves it out\)/);
    const told = await cli(['diff', left, right, '--ignore', '$[*].stock', '--ignore-header', 'X-Build']);
    assert.deepEqual([told.code, told.stdout], [0, '0 added, 0 removed, 0 changed, 1 the same\n']);
  });

  it('suggests no JSONPath for the parameters of a form', async () => {
    await using folder = await CaseFolder.create();
    const form = (to: string) =>
      caseOf({
        hop: { method: 'POST', headers: ['content-type', 'application/x-www-form-urlencoded'] },
        requestBody: recordedBody(`to=${to}`),
      });
    const left = await folder.write('left.json', form('here'));
    const right = await folder.write('right.json', form('there'));
    const { stdout } = await cli(['diff', left, right]);
    assert.match(stdout, /\/request\/body\/to: "here" -> "there"$/m);
    const { json: told } = await cli(['diff', left, right, '--json']);
    assert.equal((told.changed as unknown[]).length, 1);
  });

  it('takes ids that are others in each run for noise, and pairs by them', async () => {
    await using folder = await CaseFolder.create();
    const run = (id: string) =>
      caseOf(
        { hop: { method: 'POST', path: '/reservations' }, ...answered({ reservation: id }) },
        { hop: { method: 'POST', path: `/reservations/${id}/confirm` }, ...answered({ reservation: id }) },
      );
    const left = await folder.write('left.json', run('8b1a22b1'));
    const right = await folder.write('right.json', run('d875f097'));
    const { code, stdout } = await cli(['diff', left, right, '--noise']);
    assert.equal(code, 0);
    assert.match(stdout, /\/request\/path: "\/reservations\/8b1a22b1\/confirm" -> .*d875f097.* \(id\)$/m);
  });

  it('shows how much differs once on a terminal', { skip: !existsSync('/usr/bin/script') }, async () => {
    await using folder = await CaseFolder.create();
    const left = await folder.write('left.json', caseOf({ ...cart, ...answered({ total: 3 }) }));
    const right = await folder.write('right.json', caseOf({ ...cart, ...answered({ total: 4 }) }));
    const program = fileURLToPath(new URL('../../bin/softprobe-proxy.js', import.meta.url));
    const line = [process.execPath, program, 'diff', left, right].join(' ');
    const { stdout } = spawnSync('/usr/bin/script', ['-qec', line, '/dev/null'], {
      encoding: 'utf8',
      timeout: 30_000,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    assert.equal(stdout.split('1 changed').length, 2, stdout);
    assert.match(stdout, /\/response\/body\/total: 3 -> 4/);
  });

  it('ends with 2 for what cannot be ignored', async () => {
    for (const [flag, value] of [
      ['--ignore', 'stock'],
      ['--ignore-header', 'a b'],
    ] as const) {
      const { code, stderr } = await cli(['diff', 'left.json', 'right.json', flag, value]);
      assert.equal(code, 2);
      assert.match(stderr, new RegExp(`softprobe-proxy: ${flag}: `));
    }
  });

  it('writes no colours into a pipe, and nothing that a terminal would act on', async () => {
    await using folder = await CaseFolder.create();
    const left = await folder.write('left.json', caseOf({ hop: { path: '/a' }, ...answered('\u001b[2J') }));
    const right = await folder.write('right.json', caseOf({ hop: { path: '/a' }, ...answered('x') }));
    const { stdout } = await cli(['diff', left, right]);
    assert.ok(!stdout.includes('\u001b'), stdout);
    const coloured = await cli(['diff', left, right], { env: { FORCE_COLOR: '1' } });
    assert.ok(coloured.stdout.startsWith('\u001b[33m~ #1 '), coloured.stdout);
    assert.ok(!coloured.stdout.includes('\u001b[2J'), coloured.stdout);
  });

  it('ends with 1 for what cannot be read, 5 for what is no case, 2 for a missing argument', async () => {
    await using folder = await CaseFolder.create();
    const good = await folder.write('good.json', caseOf());
    const bad = await folder.write('bad.json', '{"version":"1.0.0"}');
    for (const [args, expected, error] of [
      [[good, folder.at('none.json')], 1, 'unreadable_case'],
      [[folder.path, good], 1, 'unreadable_case'],
      [[good, bad], 5, 'invalid_case'],
      [[good], 2, 'usage'],
    ] as const) {
      const { code, json: told } = await cli(['diff', ...args, '--json']);
      assert.deepEqual([code, told.error?.code], [expected, error]);
    }
  });
});
