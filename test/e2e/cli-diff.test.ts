import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recordedResponse } from '../cases/support/exchange.ts';
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
        '~ #1 outbound GET http://stock.example:8090/cart -> 200 (#2 there)',
        '    /response/status: 200 -> 201',
        '    /response/body/total: 3 -> 4',
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
