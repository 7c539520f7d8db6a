import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { rows } from './rows/index.ts';
import { plain, request, response } from './rows/row.ts';
import { splitResponse } from './support/http-message.ts';
import { RawClient } from './support/raw-client.ts';
import { expectRequestKept, expectResponseKept, type Route, send } from './support/route.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';

describe('with nothing between client and origin', () => {
  let origin: ScriptedOrigin;
  let route: Route;
  before(async () => {
    origin = await ScriptedOrigin.listen();
    route = { kind: 'direct', url: origin.url, form: 'origin' };
  });
  after(() => origin[Symbol.asyncDispose]());

  for (const row of rows) {
    test(`passes unchanged: ${row.name}`, async () => {
      const seen = origin.next(row.response);
      const received = await send(row, route, origin);
      await expectRequestKept(await seen, row, route, origin);
      await expectResponseKept(received, row, route);
    });
  }

  const sample = {
    name: 'sample',
    request: request('POST', '/a', ['X-A: 1', 'X-B: 2', 'Content-Length: 2'], 'hi'),
    response: response(['HTTP/1.1 200 OK', 'X-C: 1', 'X-C: 2', 'Content-Length: 2'], 'ho'),
  };
  const changes = {
    'another body byte': {
      response: response(['HTTP/1.1 200 OK', 'X-C: 1', 'X-C: 2', 'Content-Length: 2'], 'hO'),
    },
    'merged lines': { response: response(['HTTP/1.1 200 OK', 'X-C: 1, 2', 'Content-Length: 2'], 'ho') },
    'another case': {
      response: response(['HTTP/1.1 200 OK', 'x-c: 1', 'X-C: 2', 'Content-Length: 2'], 'ho'),
    },
    'another reason': {
      response: response(['HTTP/1.1 200 Ok', 'X-C: 1', 'X-C: 2', 'Content-Length: 2'], 'ho'),
    },
    'a header more': {
      request: request('POST', '/a', ['X-A: 1', 'X-B: 2', 'X-D: 3', 'Content-Length: 2'], 'hi'),
    },
    'another order': { request: request('POST', '/a', ['X-B: 2', 'X-A: 1', 'Content-Length: 2'], 'hi') },
    'another target': { request: request('POST', '/a/', ['X-A: 1', 'X-B: 2', 'Content-Length: 2'], 'hi') },
    'another method': { request: request('PUT', '/a', ['X-A: 1', 'X-B: 2', 'Content-Length: 2'], 'hi') },
  };
  for (const [name, change] of Object.entries(changes)) {
    test(`the comparison notices ${name}`, async () => {
      const seen = origin.next(sample.response);
      const received = await send(sample, route, origin);
      const changed = { ...sample, ...change };
      await assert.rejects(async () => {
        await expectRequestKept(await seen, changed, route, origin);
        await expectResponseKept(received, changed, route);
      }, assert.AssertionError);
    });
  }

  test('a second request on the same connection is answered in turn', async () => {
    origin.next(plain('one'));
    origin.next(plain('two'));
    using client = await RawClient.connect(origin.url);
    await client.write('GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n');
    assert.equal((await client.readResponse()).body.toString(), 'one');
    assert.equal((await client.readResponse()).body.toString(), 'two');
  });

  test('an early end is told from a complete body', async () => {
    for (const ending of ['end', 'reset'] as const) {
      origin.next(async (call) => {
        await call.body();
        await call.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
        await call.source.until('go');
        call[ending]();
      });
      using client = await RawClient.connect(origin.url);
      await client.write('GET / HTTP/1.1\r\n\r\n');
      await client.readHead();
      assert.equal((await client.source.exactly(4)).toString(), 'half');
      await client.write('go');
      assert.equal(await client.source.ending(), ending);
    }
  });
});

test('splits interim responses, chunks and trailers', async () => {
  const bytes = response(
    ['HTTP/1.1 103 Early Hints', 'Link: </a>', '', 'HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'],
    '3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: 1\r\n\r\n',
  );
  const { interim, body, trailers, ending } = await splitResponse(bytes, 'GET');
  assert.deepEqual(interim, [{ startLine: 'HTTP/1.1 103 Early Hints', headers: ['Link', '</a>'] }]);
  assert.deepEqual([body.toString(), trailers, ending], ['abcd', ['T', '1'], 'complete']);
});

test('a response cut in the middle is not complete', async () => {
  for (const cut of [
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n',
  ]) {
    const { body, ending } = await splitResponse(Buffer.from(cut), 'GET');
    assert.deepEqual([body.toString(), ending], ['abc', 'end']);
  }
});
