import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { SecureContext } from 'node:tls';
import { type Authority, LeafContexts, openAuthority } from '../../src/authority/index.ts';
import { handshake } from './support/handshake.ts';
import { refused } from './support/refused.ts';
import { suiteFolder } from './support/temporary-folder.ts';

const DAY = 24 * 60 * 60 * 1000;

describe('the contexts of leaves', () => {
  const folder = suiteFolder();

  /** An authority, and the hosts that it was asked for. */
  async function watched(context: TestContext): Promise<{ authority: Authority; issued: string[] }> {
    const authority = await openAuthority({ folder });
    const issue = context.mock.method(authority, 'issue');
    return {
      authority,
      get issued() {
        return issue.mock.calls.map(({ arguments: [host] }) => String(host));
      },
    };
  }

  it('serve a handshake', async () => {
    const authority = await openAuthority({ folder });
    const contexts = new LeafContexts(authority);
    const answer = async (host: string, done: (error: null, context: SecureContext) => void) =>
      done(null, await contexts.contextFor(host));
    const { certificate: ca } = authority;
    const seen = await handshake({ SNICallback: answer }, { ca, host: 'api.example.com' });
    assert.equal(seen, 'DNS:api.example.com');
  });

  it('are there at once the second time', async (context) => {
    const watch = await watched(context);
    const contexts = new LeafContexts(watch.authority);
    const first = contexts.contextFor('example.com');
    assert(first instanceof Promise);
    const made = await first;
    assert.equal(contexts.contextFor('example.com'), made);
    assert.equal(contexts.contextFor('EXAMPLE.com.'), made);
    assert.deepEqual(watch.issued, ['example.com']);
  });

  it('are made once for those who ask at the same time', async (context) => {
    const watch = await watched(context);
    const contexts = new LeafContexts(watch.authority);
    const made = await Promise.all(
      ['a.example', 'A.example', 'a.example.', 'b.example'].map((host) => contexts.contextFor(host)),
    );
    assert.equal(new Set(made).size, 2);
    assert.deepEqual(watch.issued, ['a.example', 'b.example']);
  });

  it('are bounded: the one used longest ago goes first', async (context) => {
    const watch = await watched(context);
    const contexts = new LeafContexts(watch.authority, { max: 2 });
    await contexts.contextFor('a.example');
    await contexts.contextFor('b.example');
    contexts.contextFor('a.example');
    await contexts.contextFor('c.example');
    assert(!(contexts.contextFor('a.example') instanceof Promise));
    assert(!(contexts.contextFor('c.example') instanceof Promise));
    await contexts.contextFor('b.example');
    assert.deepEqual(watch.issued, ['a.example', 'b.example', 'c.example', 'b.example']);
  });

  it('are made anew before the leaf ends', async (context) => {
    const watch = await watched(context);
    const contexts = new LeafContexts(watch.authority);
    const now = Date.now();
    context.mock.timers.enable({ apis: ['Date'], now });
    const first = await contexts.contextFor('example.com');
    context.mock.timers.setTime(now + 5.9 * DAY);
    assert.equal(contexts.contextFor('example.com'), first);
    context.mock.timers.setTime(now + 6.1 * DAY);
    const second = contexts.contextFor('example.com');
    assert(second instanceof Promise);
    assert.notEqual(await second, first);
    assert.equal(contexts.contextFor('example.com'), await second);
    assert.equal(watch.issued.length, 2);
  });

  it('are kept for a while even when the authority itself ends soon', async (context) => {
    const watch = await watched(context);
    const contexts = new LeafContexts(watch.authority);
    const { expires } = await watch.authority.issue('example.com');
    const farthest = new Date(expires);
    farthest.setUTCFullYear(farthest.getUTCFullYear() + 10);
    // An hour before the end of the ten years.
    context.mock.timers.enable({ apis: ['Date'], now: farthest.getTime() - 7 * DAY - 60 * 60 * 1000 });
    const first = await contexts.contextFor('example.com');
    assert.equal(contexts.contextFor('example.com'), first);
  });

  it('are refused for what no certificate can name, by a promise', async () => {
    const contexts = new LeafContexts(await openAuthority({ folder }));
    const refusal = contexts.contextFor('a/../b');
    assert(refusal instanceof Promise);
    await assert.rejects(refusal, refused('host', /"a\/\.\.\/b"/));
  });

  it('do not remember a failure', async (context) => {
    const authority = await openAuthority({ folder });
    const contexts = new LeafContexts(authority);
    const issue = context.mock.method(authority, 'issue');
    issue.mock.mockImplementationOnce(() => Promise.reject(new Error('no entropy')));
    const both = [contexts.contextFor('example.com'), contexts.contextFor('example.com')];
    for (const each of both) await assert.rejects(Promise.resolve(each), /no entropy/);
    await contexts.contextFor('example.com');
    assert(!(contexts.contextFor('example.com') instanceof Promise));
  });

  it('let other work go on while many are made', async () => {
    const contexts = new LeafContexts(await openAuthority({ folder }));
    await contexts.contextFor('first.example');
    let turns = 0;
    let isDone = false;
    const others = (async () => {
      while (!isDone) {
        await new Promise((resolve) => setImmediate(resolve));
        turns += 1;
      }
    })();
    await Promise.all(Array.from({ length: 100 }, (_, index) => contexts.contextFor(`${index}.example`)));
    isDone = true;
    await others;
    assert(turns > 20, `the event loop turned ${turns} times while 100 leaves were made`);
  });
});
