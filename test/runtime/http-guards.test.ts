import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LogLines } from './support/log-lines.ts';
import { startRuntime } from './support/runtime-server.ts';

/** Sends bytes as they are and returns all that comes back until the server closes. */
async function exchangeBytes(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.write(bytes);
  await once(socket, 'close');
  return received;
}

const session = '{"mode":"capture"}';

const takenTypes = [
  'application/json',
  'application/json; charset=utf-8',
  'Application/JSON;charset="UTF-8"',
  'application/vnd.softprobe+json',
  'application/x-www-form-urlencoded',
];
for (const type of takenTypes) {
  test(`takes a JSON body sent as ${type}`, async (t) => {
    const { call } = await startRuntime(t);
    assert.equal((await call('POST', '/v1/sessions', session, { 'content-type': type })).status, 200);
  });
}

test('takes a JSON body without a content type', async (t) => {
  const { port } = await startRuntime(t);
  const reply = await exchangeBytes(
    port,
    `POST /v1/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${session.length}\r\n\r\n${session}`,
  );
  assert.match(reply, /^HTTP\/1\.1 200 /);
});

const refusedTypes: [type: string, body: string][] = [
  ['text/plain', session],
  ['application/xml', session],
  ['multipart/form-data; boundary=x', session],
  ['application/json; charset=utf-16', session],
  ['application/x-www-form-urlencoded', 'mode=capture'],
];
for (const [type, body] of refusedTypes) {
  test(`refuses ${body} sent as ${type}`, async (t) => {
    const { call } = await startRuntime(t);
    const reply = await call('POST', '/v1/sessions', body, { 'content-type': type });
    assert.equal(reply.status, 415, reply.text);
    assert.equal(reply.json.error.code, 'unsupported_media_type');
  });
}

test('a compressed body is taken, another coding refused, broken data is a bad request', async (t) => {
  const { call } = await startRuntime(t);
  const send = (body: Uint8Array | string, coding: string) =>
    call('POST', '/v1/sessions', body, { 'content-type': 'application/json', 'content-encoding': coding });
  assert.equal((await send(gzipSync(session), 'gzip')).status, 200);
  assert.equal((await send(session, 'identity')).status, 200);
  assert.equal((await send(session, 'snappy')).status, 415);
  assert.equal((await send(session, 'gzip')).status, 400);
});

test('a body that announces too much is refused before it is sent', async (t) => {
  const { port } = await startRuntime(t);
  const reply = await exchangeBytes(
    port,
    'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50000000\r\n\r\n{',
  );
  assert.match(reply, /^HTTP\/1\.1 413 /);
  assert.match(reply, /payload_too_large/);
  assert.match(reply, /connection: close/i);
});

test('a body that grows too large is refused, and a client that sends it all gets the answer', async (t) => {
  const { url } = await startRuntime(t);
  const megabyte = new Uint8Array(1024 * 1024).fill(0x20);
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (sent++ < 40) controller.enqueue(megabyte);
      else controller.close();
    },
  });
  const reply = await fetch(`${url}/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    duplex: 'half',
  });
  assert.equal(reply.status, 413);
  assert.match(await reply.text(), /payload_too_large/);
});

test('a small body that decompresses to far too much is refused', async (t) => {
  const { call } = await startRuntime(t);
  const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024, 0x20));
  assert.ok(bomb.length < 100_000);
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
  assert.equal((await call('POST', '/v1/sessions', bomb, headers)).status, 413);
});

test('a client that goes away in the middle of its body does no harm', async (t) => {
  const { port, call } = await startRuntime(t);
  const socket = connect(port, '127.0.0.1');
  socket.write(
    'POST /v1/sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n',
  );
  // The server asks for the body: it is reading it now.
  const [answer] = await once(socket, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 100 /);
  socket.destroy();
  await once(socket, 'close');
  assert.equal((await call('GET', '/health')).status, 200);
  assert.deepEqual((await call('GET', '/v1/sessions')).json, { sessions: [] });
});

test('with a token every call under /v1 demands it, and the open ones do not', async (t) => {
  const { call } = await startRuntime(t, { apiToken: 'letmein' });
  for (const path of ['/v1/meta', '/v1/sessions', '/v1/captures/x', '/v1/nothing', '/v1', '/v1/inject']) {
    const missing = await call('GET', path);
    assert.equal(missing.status, 401, path);
    assert.equal(missing.json.error.code, 'missing_bearer_token');
    assert.match(missing.headers.get('www-authenticate') ?? '', /^Bearer/);
  }
  for (const authorization of ['Bearer wrong', 'Bearer letmei', 'Bearer letmeinn', 'bearer LETMEIN']) {
    const wrong = await call('GET', '/v1/meta', undefined, { authorization });
    assert.equal(wrong.status, 403, authorization);
    assert.equal(wrong.json.error.code, 'invalid_bearer_token');
  }
  for (const authorization of ['Basic bGV0bWVpbg==', 'letmein', 'Bearer', 'Bearer a b']) {
    assert.equal((await call('GET', '/v1/meta', undefined, { authorization })).status, 401, authorization);
  }
  for (const authorization of ['Bearer letmein', 'bearer letmein', 'Bearer  letmein']) {
    assert.equal((await call('GET', '/v1/meta', undefined, { authorization })).status, 200, authorization);
  }
  assert.equal((await call('GET', '/health')).status, 200);
  assert.equal((await call('GET', '/metrics')).status, 200);
});

const origins: [origin: string, status: number][] = [
  ['http://localhost:3000', 200],
  ['http://127.0.0.1:9999', 200],
  ['http://[::1]:3000', 200],
  ['https://app.localhost', 200],
  ['https://evil.example', 403],
  ['http://localhost.evil.example', 403],
  ['http://127.0.0.1.evil.example', 403],
  ['null', 403],
  ['file://', 403],
];
for (const [origin, status] of origins) {
  test(`a web page of ${origin} gets ${status}`, async (t) => {
    const { port, runtime } = await startRuntime(t);
    // fetch does not let a caller set Origin.
    const reply = await exchangeBytes(
      port,
      `POST /v1/sessions HTTP/1.1\r\nHost: x\r\nOrigin: ${origin}\r\nConnection: close\r\nContent-Length: ${session.length}\r\n\r\n${session}`,
    );
    assert.match(reply, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.equal(runtime.sessions().length, status === 200 ? 1 : 0);
  });
}

test('metrics are Prometheus text and follow what happened', async (t) => {
  const server = await startRuntime(t);
  await server.session({ mode: 'capture' });
  const id = await server.session({ mode: 'replay' });
  await server.call('POST', `/v1/sessions/${id}/close`);
  server.runtime.countUnknownSession('outbound');
  const { text, headers } = await server.call('GET', '/metrics');
  assert.match(headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(text, /^softprobe_sessions_total\{mode="capture"\} 1$/m);
  assert.match(text, /^softprobe_sessions_total\{mode="replay"\} 1$/m);
  assert.match(text, /^softprobe_sessions_open 1$/m);
  assert.match(text, /^softprobe_uncorrelated_requests_total\{listener="egress"\} 1$/m);
  assert.match(text, /^softprobe_uncorrelated_requests_total\{listener="ingress"\} 0$/m);
});

test('a failure of our own says nothing about itself to the caller, and all to the log', async (t) => {
  const log = new LogLines();
  const { runtime, call } = await startRuntime(t, { logger: log.logger });
  runtime.sessions = () => {
    throw new Error('secret detail of /some/path');
  };
  const reply = await call('GET', '/v1/sessions');
  assert.equal(reply.status, 500);
  assert.equal(reply.json.error.code, 'internal_error');
  assert.doesNotMatch(reply.text, /secret|some|\.ts:/);
  assert.match(JSON.stringify(await log.next(/call failed/)), /secret detail/);
});

const hosts: [host: string, status: number][] = [
  ['127.0.0.1:8080', 200],
  ['[::1]:8080', 200],
  ['localhost:8080', 200],
  ['softprobe', 200],
  ['softprobe.svc.cluster.local', 200],
  ['rebound.example.com:8080', 403],
  ['127.0.0.1.example.com', 403],
];
for (const [host, status] of hosts) {
  test(`under the name ${host} the API ${status === 200 ? 'can' : 'cannot'} be read`, async (t) => {
    const { port } = await startRuntime(t);
    const reply = await exchangeBytes(
      port,
      `GET /v1/sessions HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    assert.match(reply, new RegExp(`^HTTP/1\\.1 ${status} `));
  });
}

test('with a token the API can be read under any name', async (t) => {
  const { port } = await startRuntime(t, { apiToken: 'secret' });
  const reply = await exchangeBytes(
    port,
    'GET /v1/sessions HTTP/1.1\r\nHost: softprobe.example.com\r\nAuthorization: Bearer secret\r\nConnection: close\r\n\r\n',
  );
  assert.match(reply, /^HTTP\/1\.1 200 /);
});
