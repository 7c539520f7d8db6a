import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const demo = fileURLToPath(new URL('../../examples/shop/demo.ts', import.meta.url));

it('the demo records the shop, kills its dependencies and replays the same answers', async () => {
  // Rejects when the exit code is not 0; the message has all that was printed.
  const { stdout } = await promisify(execFile)(process.execPath, [demo], {
    timeout: 60_000,
    env: { ...process.env, NO_COLOR: '1' },
  });
  assert.equal(stdout.includes('✗'), false, stdout);
  assert.equal(stdout.includes('\u001b'), false, 'no colours');
  assert.equal(stdout.match(/✓ (GET|POST) .* same status, headers and \d+ bytes/g)?.length, 8, stdout);
  assert.match(stdout, /✓ inventory is dead/);
  assert.match(stdout, /✓ payments is dead/);
  const [, answered, calls] = /✓ calls answered from the case: (\d+) of (\d+)/.exec(stdout) ?? [];
  assert.equal(answered, calls);
  assert(Number(calls) >= 10, stdout);
  assert.match(stdout, /✓ calls that no rule answered: 0/);
  assert.match(stdout, /✓ connections to where the dependencies were: 0/);
  assert.match(stdout, /All of it holds/);
});
