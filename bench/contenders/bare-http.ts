/**
 * node:http answering by itself: the most that a Node process on one core can do without being a proxy.
 *
 * Arguments, for an upstream with TLS: PEM files of the certificate and of its key.
 */
import { readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { PAYLOAD } from '../payload.ts';
import { listen } from './listen.ts';

const body = Buffer.from(PAYLOAD);
const headers = ['Content-Type', 'application/json', 'Content-Length', String(body.length)];

const answer: RequestListener = (_request, response) => {
  response.writeHead(200, headers);
  response.end(body);
};

const [, , certificate, key] = process.argv;
if (certificate === undefined || key === undefined) listen(createServer(answer));
else listen(createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) }, answer));
