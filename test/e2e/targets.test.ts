import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plain, request } from './rows/row.ts';
import { field } from './support/http-message.ts';
import { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { openRoute, type Route, renderRequest, ways } from './support/route.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

let program: Program;
let app: ScriptedOrigin;
useStage((stage) => {
  ({ origin: app, program } = stage);
});

test('an absolute URL at the ingress listener still goes to the app', async () => {
  const seen = app.next(plain('app'));
  using client = await RawClient.connect(program.ingress);
  await client.write('GET http://shop.example/x?y HTTP/1.1\r\nHost: shop.example\r\n\r\n');
  assert.equal((await client.readResponse()).body.toString(), 'app');
  assert.equal((await seen).startLine, 'GET /x?y HTTP/1.1');
  assert.equal(field(await seen, 'host'), 'shop.example');
});

test('an IPv6 literal names the target', async () => {
  await using origin = await ScriptedOrigin.listen('::1');
  for (const form of ['absolute', 'origin'] as const) {
    const seen = origin.next(plain('six'));
    using client = await RawClient.connect(program.egress);
    const route: Route = { kind: 'egress', url: program.egress, form };
    await client.write(renderRequest(request('GET', '/v6'), route, origin));
    assert.equal((await client.readResponse()).body.toString(), 'six');
    assert.equal(field(await seen, 'host'), origin.authority);
  }
});

test('an absolute URL without a path means the root, with its query', async () => {
  for (const [url, target] of [
    [app.url, '/'],
    [`${app.url}?q=1`, '/?q=1'],
    [`HTTP://${app.authority}/Upper`, '/Upper'],
  ]) {
    const seen = app.next(plain('ok'));
    using client = await RawClient.connect(program.egress);
    await client.write(`GET ${url} HTTP/1.1\r\nHost: ignored.example\r\n\r\n`);
    assert.equal((await client.readResponse()).status, 200);
    assert.equal((await seen).startLine, `GET ${target} HTTP/1.1`);
    assert.equal(field(await seen, 'host'), app.authority);
  }
});

test('with --upstream, the egress listener is a base URL', async () => {
  await using upstream = await ScriptedOrigin.listen();
  await using based = await Program.start(app.url, ['--upstream', upstream.url]);
  const seen = upstream.next(plain('upstream'));
  const answer = await fetch(`${based.egress}/v1/things?a=1`);
  assert.equal(await answer.text(), 'upstream');
  assert.equal((await seen).startLine, 'GET /v1/things?a=1 HTTP/1.1');
  assert.equal(field(await seen, 'host'), upstream.authority);

  // An absolute URL says more than the flag.
  const other = app.next(plain('other'));
  using client = await RawClient.connect(based.egress);
  await client.write(`GET ${app.url}/x HTTP/1.1\r\nHost: ${app.authority}\r\n\r\n`);
  assert.equal((await client.readResponse()).body.toString(), 'other');
  assert.equal((await other).startLine, 'GET /x HTTP/1.1');
});

test('user information in an absolute URL is not sent on', async () => {
  const seen = app.next(plain('ok'));
  using client = await RawClient.connect(program.egress);
  await client.write(`GET http://user:secret@${app.authority}/ HTTP/1.1\r\nHost: ${app.authority}\r\n\r\n`);
  assert.equal((await client.readResponse()).status, 200);
  const { startLine, headers } = await seen;
  assert.doesNotMatch([startLine, ...headers].join(), /secret/);
});

test('with --no-trace-context, a session writes no trace headers and leaves those that came', async () => {
  await using silent = await Program.start(app.url, ['--no-trace-context']);
  const trace = 'Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  for (const way of ways.filter(({ inSession }) => inSession)) {
    for (const lines of [[], [trace]]) {
      const route = await openRoute(silent, way);
      const seen = app.next(plain('ok'));
      using client = await RawClient.connect(route.url);
      await client.write(renderRequest(request('GET', '/', lines), route, app));
      assert.equal(field(await client.readResponse(), 'x-softprobe-outcome'), 'forward');
      const traced = [field(await seen, 'traceparent'), field(await seen, 'tracestate')];
      assert.deepEqual(traced, [lines[0]?.split(': ')[1], undefined]);
    }
  }
});
