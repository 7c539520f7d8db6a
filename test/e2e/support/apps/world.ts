/**
 * An origin at the usual ports, 80 and 443, of every address: where a test has a network of its own, this is the
 * world in it. It answers each request with the scheme, method and URL that it has seen.
 *
 * Environment: `CERT` and `KEY`, PEM files
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';

const { CERT = '', KEY = '' } = process.env;

const answering =
  (scheme: string): RequestListener =>
  (request, response) => {
    response.setHeader('content-type', 'text/plain');
    response.end(`${request.method} ${request.url} over ${scheme}\n`);
  };

const plain = createServer(answering('http')).listen(80, '::');
const secure = createSecureServer(
  { cert: readFileSync(CERT), key: readFileSync(KEY) },
  answering('https'),
).listen(443, '::');
await Promise.all([once(plain, 'listening'), once(secure, 'listening')]);
console.log('the world is there');
