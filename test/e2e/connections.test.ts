import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { chunked, plain, request, response } from './rows/row.ts';
import { field } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { endToEnd, openRoute, type Route, renderRequest, ways } from './support/route.ts';
import { type Script, ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

let program: Program;
let app: ScriptedOrigin;
useStage((stage) => {
  ({ origin: app, program } = stage);
});

/** Answers with the request target, so that it is seen which answer belongs to which request. */
const echoTarget: Script = async (call) => {
  await call.body();
  const target = call.head.startLine.split(' ')[1] ?? '';
  await call.write(response(['HTTP/1.1 200 OK', `Content-Length: ${target.length}`], target));
};

for (const way of ways) {
  describe(`connections: ${way.name}`, () => {
    let route: Route;
    before(async () => {
      route = await openRoute(program, way);
    });

    test('a connection carries request after request, on one connection to the origin', async () => {
      using client = await RawClient.connect(route.url);
      const targets = ['/1', '/2', '/3', '/4'];
      const before = app.connections;
      for (const target of targets) {
        app.next(echoTarget);
        await client.write(renderRequest(request('GET', target), route, app));
        assert.equal((await client.readResponse()).body.toString(), target);
      }
      assert.ok(app.connections - before <= 1, `${app.connections - before} new connections to the origin`);
    });

    test('three requests in one write are answered in order', async () => {
      using client = await RawClient.connect(route.url);
      const targets = ['/first', '/second', '/third'];
      for (const _ of targets) app.next(echoTarget);
      await client.write(
        Buffer.concat(targets.map((target) => renderRequest(request('GET', target), route, app))),
      );
      const answers: string[] = [];
      for (const _ of targets) answers.push((await client.readResponse()).body.toString());
      assert.deepEqual(answers, targets);
    });

    test('pipelined requests with bodies do not run into each other', async () => {
      using client = await RawClient.connect(route.url);
      const bodies = ['one', '', 'GET / HTTP/1.1\r\n\r\n'];
      const seen = bodies.map(() => app.next(plain('seen')));
      const upload = (body: string) =>
        request('POST', '/', ['Transfer-Encoding: chunked'], chunkedText(body));
      await client.write(Buffer.concat(bodies.map((body) => renderRequest(upload(body), route, app))));
      for (const _ of bodies) assert.equal((await client.readResponse()).status, 200);
      const arrived = (await Promise.all(seen)).map(({ body }) => body.toString());
      assert.deepEqual(arrived.sort(), bodies.sort());
    });

    test('Connection: close is obeyed', async () => {
      using client = await RawClient.connect(route.url);
      app.next(plain('bye'));
      await client.write(renderRequest(request('GET', '/', ['Connection: close']), route, app));
      const answer = await client.readResponse();
      assert.equal(answer.body.toString(), 'bye');
      assert.equal(field(answer, 'connection')?.toLowerCase(), 'close');
      assert.equal(await client.source.ending(), 'end');
    });

    test('an origin that closes after each answer does not cost the client its connection', async () => {
      using client = await RawClient.connect(route.url);
      for (const target of ['/1', '/2', '/3']) {
        const left = Promise.withResolvers<void>();
        app.next(async (call) => {
          await call.body();
          await call.write(response(['HTTP/1.1 200 OK', 'Connection: close', 'Content-Length: 2'], 'ok'));
          call.end();
          await call.gone();
          left.resolve();
        });
        await client.write(renderRequest(request('GET', target), route, app));
        assert.equal((await client.readResponse()).body.toString(), 'ok');
        await left.promise;
      }
    });

    test('what Connection names ends at the hop, both ways', async () => {
      const hop = ['Connection: X-Hop, keep-alive', 'X-Hop: 1', 'Keep-Alive: timeout=5', 'X-End: 2'];
      using client = await RawClient.connect(route.url);
      const seen = app.next(response(['HTTP/1.1 200 OK', ...hop, 'Content-Length: 0']));
      await client.write(
        renderRequest(request('GET', '/', [...hop, 'TE: gzip', 'Proxy-Connection: keep-alive']), route, app),
      );
      const answer = await client.readResponse();
      assert.deepEqual([field(answer, 'x-hop'), field(answer, 'x-end')], [undefined, '2']);
      const arrived = endToEnd(await seen, ['host']);
      assert.ok(!arrived.some((text) => /x-hop|keep-alive|gzip/i.test(text)), arrived.join());
      assert.equal(field(await seen, 'x-end'), '2');
    });

    test('credentials for the proxy go no further', async () => {
      using client = await RawClient.connect(route.url);
      const seen = app.next(plain('ok'));
      const lines = ['Proxy-Authorization: Basic c2Vzc19hOg==', 'Authorization: Basic dTpw'];
      await client.write(renderRequest(request('GET', '/', lines), route, app));
      await client.readResponse();
      assert.equal(field(await seen, 'proxy-authorization'), undefined);
      assert.equal(field(await seen, 'authorization'), 'Basic dTpw');
    });

    test('an offer of h2c, as Java sends it, is not taken up and harms nothing', async () => {
      using client = await RawClient.connect(route.url);
      const offer = [
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        'HTTP2-Settings: AAEAAEAAAAIAAAAB',
      ];
      const seen = app.next(plain('plain'));
      await client.write(renderRequest(request('GET', '/', offer), route, app));
      assert.equal((await client.readResponse()).body.toString(), 'plain');
      assert.equal(field(await seen, 'http2-settings'), undefined);
    });

    test('a method that the parser does not know is served on a connection that was used before', async () => {
      using client = await RawClient.connect(route.url);
      for (const method of ['GET', 'FOO']) {
        const seen = app.next(plain('ok'));
        await client.write(renderRequest(request(method, '/'), route, app));
        assert.equal((await client.readResponse()).body.toString(), 'ok');
        assert.equal((await seen).startLine, `${method} / HTTP/1.1`);
      }
    });

    test('a request that comes byte by byte is the same request', async () => {
      using client = await RawClient.connect(route.url);
      const seen = app.next(plain('ok'));
      const sent = request('POST', '/drop?by=drop', ['Transfer-Encoding: chunked'], chunkedText('drops'));
      for (const byte of renderRequest(sent, route, app)) await client.write(Buffer.of(byte));
      assert.equal((await client.readResponse()).body.toString(), 'ok');
      assert.equal((await seen).startLine, 'POST /drop?by=drop HTTP/1.1');
      assert.equal((await seen).body.toString(), 'drops');
    });

    test('an Expect that nobody knows is for the origin to judge', async () => {
      using client = await RawClient.connect(route.url);
      const seen = app.next(response(['HTTP/1.1 417 Expectation Failed', 'Content-Length: 0']));
      await client.write(renderRequest(request('GET', '/', ['Expect: miracles']), route, app));
      assert.equal((await client.readResponse()).status, 417);
      assert.equal(field(await seen, 'expect'), 'miracles');
    });

    test('garbage behind a request that waits for its answer does not get between the two', async () => {
      using client = await RawClient.connect(route.url);
      const read = Promise.withResolvers<void>();
      const answered = app.next(async (call) => {
        await call.body();
        await read.promise;
        await call.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine');
      });
      await client.write(
        Buffer.concat([
          renderRequest(request('GET', '/'), route, app),
          Buffer.from('\u0000 garbage\r\n\r\n'),
        ]),
      );
      read.resolve();
      const answer = await client.readResponse();
      await answered;
      assert.deepEqual([answer.status, answer.body.toString()], [200, 'mine']);
      assert.equal((await client.source.rest()).bytes.toString(), '', 'the connection ends after it');
    });

    test('an HTTP/1.0 client gets its answer without chunks, up to the close', async () => {
      using client = await RawClient.connect(route.url);
      app.next(response(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'], chunkedText('some text')));
      const bytes = renderRequest(request('GET', '/'), route, app).toString('latin1');
      await client.write(bytes.replace('HTTP/1.1', 'HTTP/1.0'));
      const answer = await client.readResponse();
      assert.deepEqual([answer.framing, answer.body.toString()], ['until-close', 'some text']);
    });
  });
}

/** The one goes by undici, the other by node:http's client. */
const uploads = [
  { lines: ['Content-Length: 300000'], rest: Buffer.alloc(200_000) },
  { lines: ['Transfer-Encoding: chunked'], rest: chunked([Buffer.alloc(200_000)]) },
];

for (const { lines, rest } of uploads) {
  test(`a connection goes on after an upload that could not be delivered: ${lines}`, async () => {
    using client = await RawClient.connect(program.egress);
    const gone = await ScriptedOrigin.listen();
    await gone[Symbol.asyncDispose]();
    await client.write(
      [`POST http://${gone.authority}/ HTTP/1.1`, `Host: ${gone.authority}`, ...lines, '', ''].join('\r\n'),
    );
    const first = lines[0]?.startsWith('Content') ? Buffer.alloc(100_000) : Buffer.from('1\r\na\r\n');
    await client.write(first);
    assert.equal((await client.readResponse()).status, 502);
    const sent = client.write(rest);
    app.next(plain('next'));
    const next = client.write(`GET http://${app.authority}/ HTTP/1.1\r\nHost: ${app.authority}\r\n\r\n`);
    assert.equal((await client.readResponse()).body.toString(), 'next');
    await Promise.all([sent, next]);
  });

  test(`a connection goes on after an answer that came before the end of its upload: ${lines}`, async () => {
    using client = await RawClient.connect(program.egress);
    app.next(async (call) => {
      await call.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno');
      await call.gone();
    });
    await client.write(
      [`POST http://${app.authority}/ HTTP/1.1`, `Host: ${app.authority}`, ...lines, '', ''].join('\r\n'),
    );
    const first = lines[0]?.startsWith('Content') ? Buffer.alloc(100_000) : Buffer.from('1\r\na\r\n');
    await client.write(first);
    assert.equal((await client.readResponse()).status, 413);
    const sent = client.write(rest);
    app.next(plain('next'));
    const next = client.write(`GET http://${app.authority}/ HTTP/1.1\r\nHost: ${app.authority}\r\n\r\n`);
    assert.equal((await client.readResponse()).body.toString(), 'next');
    await Promise.all([sent, next]);
  });
}

test('requests on one connection may belong to different sessions, or to none', async () => {
  using client = await RawClient.connect(program.egress);
  const routes = await Promise.all(
    [...ways, ...ways].map((way) => openRoute(program, { ...way, kind: 'egress' })),
  );
  for (const { session } of routes) {
    const seen = app.next(plain('ok'));
    const route: Route = {
      kind: 'egress',
      form: 'absolute',
      url: program.egress,
      ...(session && { session }),
    };
    await client.write(renderRequest(request('GET', '/'), route, app));
    const outcome = field(await client.readResponse(), 'x-softprobe-outcome');
    assert.equal(outcome, session && 'forward');
    assert.equal(field(await seen, 'tracestate'), session && `x-softprobe-session-id=${session.id}`);
  }
});

function chunkedText(text: string): Uint8Array {
  return chunked(text === '' ? [] : [text]);
}
