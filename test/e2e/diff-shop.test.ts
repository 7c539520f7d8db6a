import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { closeConnections } from '../../examples/shop/demo/http.ts';
import { freePort } from '../../examples/shop/demo/port.ts';
import { goShopping } from '../../examples/shop/demo/shopper.ts';
import { App } from './support/app.ts';
import { cli } from './support/cli.ts';
import { Session } from './support/control-client.ts';
import { Program } from './support/program.ts';

interface ChangedHop {
  readonly differences: readonly { readonly pointer: string }[];
}

const shopFile = (name: string) => fileURLToPath(new URL(`../../examples/shop/${name}`, import.meta.url));

/** Records a tour of the shop, with a proxy and dependencies of its own, into this file. */
async function record(file: string): Promise<string> {
  const port = await freePort();
  await using program = await Program.start(`http://127.0.0.1:${port}`, ['--service-name', 'shop']);
  await using inventory = await App.start(shopFile('inventory.ts'), {});
  await using payments = await App.start(shopFile('payments.ts'), { PAYMENTS_KEY: 'sk_1' });
  const environment = {
    PORT: String(port),
    INVENTORY_URL: inventory.url,
    PAYMENTS_URL: payments.url,
    PAYMENTS_KEY: 'sk_1',
    HTTP_PROXY: program.egress,
    NO_PROXY: '',
    NODE_USE_ENV_PROXY: '1',
  };
  const instrumented = ['--import', shopFile('instrumentation.ts')];
  await using _shop = await App.start(shopFile('shop.ts'), environment, instrumented);
  const session = await Session.open(program.control, { mode: 'capture' });
  await goShopping(program.ingress, session.id);
  closeConnections();
  const { capturePath } = await session.close();
  await copyFile(String(capturePath), file);
  return file;
}

describe('softprobe-proxy diff: the shop, recorded twice', () => {
  let folder = '';
  let captures: string[] = [];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'softprobe-diff-shop-'));
    captures = [await record(join(folder, 'one.case.json')), await record(join(folder, 'two.case.json'))];
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('pairs all hops, those with an id in their path too, and finds only the amounts that are random', async () => {
    const { code, json } = await cli(['diff', ...captures, '--json']);
    assert.equal(code, 20);
    assert.deepEqual([json.added, json.removed], [[], []]);
    const pointers = (json.changed as ChangedHop[]).flatMap(({ differences }) =>
      differences.map(({ pointer }) => pointer),
    );
    assert.deepEqual(
      pointers.filter((pointer) => !/\/(?:stock|inStock|rate|price)$/.test(pointer)),
      [],
    );
  });

  it('finds nothing once those are ignored', async () => {
    const ignored = ['$..stock', '$..inStock', '$..rate', '$..price'];
    const { code, stdout } = await cli(['diff', ...captures, '--ignore', ...ignored]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /^0 added, 0 removed, 0 changed, 22 the same \(\d+ differences are noise/);
  });
});
