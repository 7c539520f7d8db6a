/**
 * Payments: the second service that the shop depends on. Wants a secret key, sets cookies of its own, and
 * answers with random rates and charge ids.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { type Answer, type Call, Refusal, serveJson } from './json-server.ts';

function rate(query: URLSearchParams): Answer {
  const perEuro = (10_000 + randomInt(2_000)) / 10_000;
  return {
    status: 200,
    body: { from: 'EUR', to: query.get('to'), rate: perEuro, quotedAt: Date.now() },
    headers: { 'cache-control': 'no-store' },
  };
}

function charge({ headers, body }: Call): Answer {
  if (headers.authorization !== `Bearer ${process.env.PAYMENTS_KEY}`) throw new Refusal(401, 'wrong key');
  const { cents } = (body ?? {}) as { cents?: unknown };
  if (typeof cents !== 'number' || cents <= 0) throw new Refusal(422, 'nothing to charge');
  return {
    status: 201,
    body: { charge: `ch_${randomUUID()}`, cents, authorizedAt: new Date() },
    cookies: [`node=${randomInt(100)}; Path=/`, `trace=${randomUUID()}; Path=/; HttpOnly`],
  };
}

serveJson('payments', (call) => {
  if (call.method === 'GET' && call.path === '/rate') return rate(call.query);
  if (call.method === 'POST' && call.path === '/charges') return charge(call);
  throw new Refusal(404, `payments has no ${call.method} ${call.path}`);
});
