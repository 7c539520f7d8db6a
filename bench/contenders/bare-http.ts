/** node:http answering by itself: the most that a Node process on one core can do without being a proxy. */
import { createServer } from 'node:http';
import { PAYLOAD } from '../payload.ts';
import { listen } from './listen.ts';

const body = Buffer.from(PAYLOAD);
const headers = ['Content-Type', 'application/json', 'Content-Length', String(body.length)];

listen(
  createServer((_request, response) => {
    response.writeHead(200, headers);
    response.end(body);
  }),
);
