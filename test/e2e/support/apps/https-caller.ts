/**
 * An app with one dependency that speaks HTTPS. `GET /ID` asks it for `/fetch/ID` by fetch and for `/https/ID` by
 * node:https, at the same time, and answers with both. It knows nothing of proxies, certificates or tracing.
 *
 * Environment: `PORT`, `ORIGIN`
 */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

const { PORT, ORIGIN } = process.env;

async function byFetch(path: string): Promise<string> {
  return (await fetch(`${ORIGIN}/fetch${path}`)).text();
}

async function byHttps(path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  https.get(`${ORIGIN}/https${path}`, resolve).on('error', reject);
  return text(await promise);
}

const server = http.createServer(async ({ url = '' }, outgoing) => {
  try {
    outgoing.end((await Promise.all([byFetch(url), byHttps(url)])).join(' '));
  } catch (error) {
    outgoing.writeHead(502).end(String(error));
  }
});
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`the caller listens on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
