/**
 * The shop: the service under test. It knows its two dependencies by URL and nothing of a proxy. It keeps no
 * state (the basket lives in a cookie), so its answers are a function of the request and of what its
 * dependencies answer.
 *
 * Environment: `PORT`, `INVENTORY_URL`, `PAYMENTS_URL`, `PAYMENTS_KEY`.
 */
import { createHash } from 'node:crypto';
import { callDependency, type DependencyAnswer } from './dependency.ts';
import { type Answer, type Call, Refusal, serveJson } from './json-server.ts';

const { INVENTORY_URL, PAYMENTS_URL, PAYMENTS_KEY } = process.env;

interface Product {
  sku: string;
  name: string;
  cents: number;
  stock: number;
  asOf: string;
}

interface BasketItem {
  sku: string;
  quantity: number;
  cents: number;
  reservation: string;
}

async function rateTo(currency: string): Promise<number> {
  const { body } = await callDependency('GET', `${PAYMENTS_URL}/rate?from=EUR&to=${currency}`);
  return (body as { rate: number }).rate;
}

function priced(product: Product, currency: string, rate: number) {
  const { cents, ...rest } = product;
  return { ...rest, price: `${((cents * rate) / 100).toFixed(2)} ${currency}` };
}

async function catalogue({ query }: Call): Promise<Answer> {
  const currency = query.get('currency') ?? 'EUR';
  const [products, rate] = await Promise.all([
    callDependency('GET', `${INVENTORY_URL}/products`),
    rateTo(currency),
  ]);
  const list = (products.body as Product[]).map((product) => priced(product, currency, rate));
  return { status: 200, body: { currency, products: list } };
}

async function productPage(sku: string): Promise<Answer> {
  const found = await callDependency('GET', `${INVENTORY_URL}/products/${encodeURIComponent(sku)}`);
  if (found.status !== 200) return refused(found);
  const rate = await rateTo('EUR');
  return {
    status: 200,
    body: priced(found.body as Product, 'EUR', rate),
    headers: { etag: String(found.headers.etag) },
  };
}

async function addToBasket({ body, cookies }: Call): Promise<Answer> {
  const reserved = await callDependency('POST', `${INVENTORY_URL}/reservations`, { body });
  if (reserved.status !== 201) return refused(reserved);
  const { sku, quantity, cents, reservation } = reserved.body as BasketItem;
  const items = [...readBasket(cookies), { sku, quantity, cents, reservation }];
  return { status: 200, body: { items: items.length }, cookies: [basketCookie(items)] };
}

async function showBasket({ cookies }: Call): Promise<Answer> {
  const items = readBasket(cookies);
  const lines: (BasketItem & { inStock: number })[] = [];
  for (const item of items) {
    const { body } = await callDependency('GET', `${INVENTORY_URL}/products/${encodeURIComponent(item.sku)}`);
    lines.push({ ...item, inStock: (body as Product).stock });
  }
  return { status: 200, body: { lines, cents: total(items) } };
}

async function placeOrder({ cookies }: Call): Promise<Answer> {
  const items = readBasket(cookies);
  if (items.length === 0) throw new Refusal(409, 'the basket is empty');
  const paid = await callDependency('POST', `${PAYMENTS_URL}/charges`, {
    body: { cents: total(items) },
    headers: { authorization: `Bearer ${PAYMENTS_KEY}` },
  });
  if (paid.status !== 201) return refused(paid);
  const parcels: string[] = [];
  for (const { reservation } of items) {
    const { body } = await callDependency('POST', `${INVENTORY_URL}/reservations/${reservation}/confirm`);
    parcels.push((body as { parcel: string }).parcel);
  }
  const { charge, authorizedAt } = paid.body as { charge: string; authorizedAt: string };
  const order = createHash('sha256').update(charge).digest('hex').slice(0, 12);
  return {
    status: 201,
    body: { order, charge, authorizedAt, cents: total(items), parcels },
    headers: { location: `/orders/${order}` },
    cookies: [basketCookie([]), `last-order=${order}; Path=/; SameSite=Lax`],
  };
}

/** Hands the refusal of a dependency (404, 422, …) on to the caller. */
function refused({ status, body }: DependencyAnswer): Answer {
  return { status, body };
}

function total(items: readonly BasketItem[]): number {
  return items.reduce((sum, { cents, quantity }) => sum + cents * quantity, 0);
}

function basketCookie(items: readonly BasketItem[]): string {
  const value = Buffer.from(JSON.stringify(items)).toString('base64url');
  return `basket=${value}; Path=/; HttpOnly; SameSite=Lax`;
}

function readBasket(cookies: ReadonlyMap<string, string>): BasketItem[] {
  const value = cookies.get('basket');
  if (value === undefined) return [];
  try {
    return JSON.parse(Buffer.from(value, 'base64url').toString()) as BasketItem[];
  } catch {
    throw new Refusal(400, 'the basket cookie was damaged');
  }
}

serveJson('shop', async (call) => {
  const [, collection, sku] = call.path.split('/');
  if (call.method === 'GET' && call.path === '/catalogue') return catalogue(call);
  if (call.method === 'GET' && collection === 'products' && sku) return productPage(decodeURIComponent(sku));
  if (call.method === 'POST' && call.path === '/basket') return addToBasket(call);
  if (call.method === 'GET' && call.path === '/basket') return showBasket(call);
  if (call.method === 'POST' && call.path === '/orders') return placeOrder(call);
  throw new Refusal(404, `the shop has no ${call.method} ${call.path}`);
});
