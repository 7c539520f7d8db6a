/**
 * Inventory: the first service that the shop depends on. Its stock, times and reservation ids are random, so
 * that no two runs answer the same: a replay that gives the same answers can only have them from the case.
 */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { type Answer, type Call, Refusal, serveJson } from './json-server.ts';

const products = [
  { sku: 'mug', name: 'Enamel mug', cents: 1250 },
  { sku: 'teapot', name: 'Teapot, cast iron', cents: 6400 },
  { sku: 'tea', name: 'Earl Grey, 100 g – “très bon”', cents: 980 },
];

function stockOf(sku: string) {
  const product = products.find((candidate) => candidate.sku === sku);
  if (!product) throw new Refusal(404, `no product has the sku ${JSON.stringify(sku)}`);
  return { ...product, stock: randomInt(1, 100_000), asOf: new Date().toISOString() };
}

function reserve(body: unknown): Answer {
  const { sku, quantity } = (body ?? {}) as { sku?: unknown; quantity?: unknown };
  const { cents } = stockOf(String(sku));
  return {
    status: 201,
    body: {
      reservation: randomBytes(4).toString('hex'),
      sku,
      quantity,
      cents,
      expires: new Date(Date.now() + 900_000),
    },
  };
}

serveJson('inventory', ({ method, path, body }: Call): Answer => {
  const [, collection, id, verb] = path.split('/');
  if (method === 'GET' && path === '/products')
    return { status: 200, body: products.map(({ sku }) => stockOf(sku)) };
  if (method === 'GET' && collection === 'products' && id) {
    return { status: 200, body: stockOf(id), headers: { etag: `"${randomUUID()}"` } };
  }
  if (method === 'POST' && path === '/reservations') return reserve(body);
  if (method === 'POST' && collection === 'reservations' && id && verb === 'confirm') {
    return { status: 200, body: { reservation: id, parcel: `P-${randomInt(1_000_000)}` } };
  }
  throw new Refusal(404, `inventory has no ${method} ${path}`);
});
