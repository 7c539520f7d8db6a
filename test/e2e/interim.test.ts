import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { request } from './rows/row.ts';
import { field } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { openRoute, type Route, renderRequest, ways } from './support/route.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const EXPECTING = request('POST', '/upload', ['Expect: 100-continue', 'Content-Length: 4']);

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

for (const way of ways) {
  describe(`1xx responses: ${way.name}`, () => {
    let route: Route;
    before(async () => {
      route = await openRoute(program, way);
    });

    test('several 1xx responses arrive before the final one is produced', async () => {
      const arrived = Promise.withResolvers<void>();
      origin.next(async (call) => {
        await call.body();
        await call.write('HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>\r\n\r\n');
        await call.write('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-Again: yes\r\n\r\n');
        await arrived.promise;
        await call.write(OK);
      });
      using client = await RawClient.connect(route.url);
      await client.write(renderRequest(request('GET', '/hints'), route, origin));
      const hints = [await client.readHead(), await client.readHead(), await client.readHead()];
      arrived.resolve();
      assert.deepEqual(hints, [
        {
          startLine: 'HTTP/1.1 103 Early Hints',
          headers: ['Link', '</a.css>; rel=preload', 'Link', '</b.js>'],
        },
        { startLine: 'HTTP/1.1 102 Processing', headers: [] },
        { startLine: 'HTTP/1.1 103 Early Hints', headers: ['X-Again', 'yes'] },
      ]);
      const { status, body } = await client.readResponse();
      assert.deepEqual([status, body.toString()], [200, 'ok']);
    });

    test('the origin says 100 and only then gets the body', async () => {
      const seen = origin.next(async (call) => {
        assert.equal(field(call.head, 'expect'), '100-continue');
        await call.write('HTTP/1.1 100 Continue\r\n\r\n');
        await call.body();
        await call.write(OK);
      });
      using client = await RawClient.connect(route.url);
      await client.write(renderRequest(EXPECTING, route, origin));
      assert.equal((await client.readHead()).startLine, 'HTTP/1.1 100 Continue');
      await client.write('body');
      const { status, interim } = await client.readResponse();
      assert.deepEqual([status, interim], [200, []]);
      assert.equal((await seen).body.toString(), 'body');
    });

    test('the origin refuses with 417 and the body is never asked for', async () => {
      origin.next(async (call) => {
        await call.write(
          'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno',
        );
        call.end();
      });
      using client = await RawClient.connect(route.url);
      await client.write(renderRequest(EXPECTING, route, origin));
      const { status, body, interim } = await client.readResponse();
      assert.deepEqual([status, body.toString(), interim], [417, 'no', []]);
    });

    test('a client that does not wait for the 100 is served', async () => {
      const seen = origin.next(async (call) => {
        await call.body();
        await call.write(OK);
      });
      using client = await RawClient.connect(route.url);
      await client.write(Buffer.concat([renderRequest(EXPECTING, route, origin), Buffer.from('body')]));
      const { status, body } = await client.readResponse();
      assert.deepEqual([status, body.toString()], [200, 'ok']);
      assert.equal((await seen).body.toString(), 'body');
    });

    test('an answer that comes before the request body was sent arrives at once', async () => {
      origin.next(async (call) => {
        await call.write(
          'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig',
        );
        await call.gone();
      });
      using client = await RawClient.connect(route.url);
      const endless = request('POST', '/upload', ['Content-Length: 1000000'], 'the beginning');
      await client.write(renderRequest(endless, route, origin));
      const { status, body } = await client.readResponse();
      assert.deepEqual([status, body.toString()], [413, 'big']);
    });
  });
}
