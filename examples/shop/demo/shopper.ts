import { type Received, send } from './http.ts';

/** What one step of the shopping tour got. */
export interface Step extends Received {
  name: string;
  /** Milliseconds. */
  duration: number;
}

const tour: { method: string; path: string; json?: unknown; plain?: true }[] = [
  { method: 'GET', path: '/catalogue?currency=USD' },
  { method: 'GET', path: '/products/mug' },
  { method: 'GET', path: '/products/ladder' },
  { method: 'POST', path: '/basket', json: { sku: 'mug', quantity: 2 } },
  { method: 'POST', path: '/basket', json: { sku: 'tea', quantity: 1 } },
  { method: 'GET', path: '/basket', plain: true },
  { method: 'POST', path: '/orders', json: {} },
  { method: 'GET', path: '/products/mug' },
];

/**
 * Goes through the shop as a browser would: keeps cookies, takes gzip (but for one step), and names the
 * session on every request.
 */
export async function goShopping(shopUrl: string, sessionId: string): Promise<Step[]> {
  const cookies = new Map<string, string>();
  const steps: Step[] = [];
  for (const { method, path, json, plain } of tour) {
    const started = performance.now();
    const received = await send(method, `${shopUrl}${path}`, {
      json,
      headers: {
        'x-softprobe-session-id': sessionId,
        ...(!plain && { 'accept-encoding': 'gzip' }),
        ...(cookies.size > 0 && {
          cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
        }),
      },
    });
    steps.push({ ...received, name: `${method} ${path}`, duration: performance.now() - started });
    keepCookies(cookies, received.rawHeaders);
  }
  return steps;
}

function keepCookies(cookies: Map<string, string>, rawHeaders: readonly string[]): void {
  for (const [at, name] of rawHeaders.entries()) {
    if (at % 2 !== 0 || name.toLowerCase() !== 'set-cookie') continue;
    const [, key = '', value = ''] = /^([^=]+)=([^;]*)/.exec(rawHeaders[at + 1] ?? '') ?? [];
    cookies.set(key, value);
  }
}
