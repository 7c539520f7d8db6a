import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { applyLoad, CONNECTIONS } from '../../bench/load.ts';
import { PAYLOAD } from '../../bench/payload.ts';

describe('the load on a forward proxy', () => {
  let server: Server;
  let proxy = '';
  let answered = 0;
  let connections = 0;

  before(async () => {
    server = createServer((request, response) => {
      answered++;
      const body = request.url === 'http://upstream.test/good' ? PAYLOAD : 'sorry';
      response.setHeader('content-length', body.length).end(body);
    });
    server.on('connection', () => {
      connections++;
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    proxy = `http://127.0.0.1:${address.port}`;
  });

  after(() => {
    server.close();
    server.closeAllConnections();
  });

  const stretch = { seconds: 0.1, core: undefined, pid: process.pid };

  it('keeps its connections, counts no answer that was not given, and knows what they cost', async () => {
    const sample = await applyLoad({ url: 'http://upstream.test/good', headers: [], proxy }, stretch);
    assert.equal(connections, CONNECTIONS);
    assert.ok(sample.requests > 0 && sample.requests <= answered);
    assert.ok(sample.p50 > 0 && sample.p50 <= sample.p99);
    if (process.platform === 'linux') assert.ok(sample.cpu >= 0);
  });

  it('fails when an answer is not the payload', async () => {
    const target = { url: 'http://upstream.test/bad', headers: [], proxy };
    await assert.rejects(applyLoad(target, stretch), /went wrong: \d+ answers, of them [1-9]\d* not what/);
  });
});
