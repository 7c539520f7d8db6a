import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { request } from './rows/row.ts';
import { Session } from './support/control-client.ts';
import { field, type Response } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import { openRoute, renderRequest, ways } from './support/route.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

let origin: ScriptedOrigin;
let program: Program;
useStage(
  (stage) => {
    ({ origin, program } = stage);
  },
  ['--connect-timeout', '300ms', '--header-timeout', '300ms'],
);

for (const way of ways) {
  describe(`time-outs: ${way.name}`, () => {
    test('an upstream that sends no response head is a 504, and its connection is given up', async () => {
      const route = await openRoute(program, way);
      const givenUp = origin.next(async (call) => {
        await call.body();
        await call.gone();
      });
      using client = await RawClient.connect(route.url);
      await client.write(renderRequest(request('GET', '/never'), route, origin));
      expectTimeout(await client.readResponse(), 'upstream_header_timeout');
      await givenUp;
      if (route.session === undefined) return;
      assert.equal(attribute(onlySpan(await route.session.closeToCase()), 'error.type'), 'timeout');
    });
  });
}

for (const way of ways.filter(({ inSession }) => inSession)) {
  test(`a body may take longer than a head: ${way.name}`, async () => {
    const route = await openRoute(program, way);
    const timedOut = Promise.withResolvers<void>();
    origin.next(async (call) => {
      await call.body();
      await call.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nslow');
      await timedOut.promise;
      await call.write('body');
    });
    using client = await RawClient.connect(route.url);
    await client.write(renderRequest(request('GET', '/slow'), route, origin));
    await client.readHead();
    await client.source.until('slow');
    // As long as it takes another request to run into the time-out for heads.
    await neverAnswered();
    timedOut.resolve();
    assert.equal((await client.source.exactly(4)).toString(), 'body');
  });
}

test('an upstream that does not accept is a 504', { skip: process.platform !== 'linux' }, async () => {
  await using deaf = await DeafServer.listen();
  for (const session of [undefined, await Session.open(program.control, { mode: 'capture' })]) {
    using client = await RawClient.connect(program.egress);
    const line = session === undefined ? '' : `x-softprobe-session-id: ${session.id}\r\n`;
    await client.write(`GET http://${deaf.authority}/ HTTP/1.1\r\nHost: ${deaf.authority}\r\n${line}\r\n`);
    expectTimeout(await client.readResponse(), 'upstream_connect_timeout');
    if (session === undefined) continue;
    assert.equal(attribute(onlySpan(await session.closeToCase()), 'error.type'), 'timeout');
  }
});

test('a client that does not finish its request head is a 408', async () => {
  for (const listener of [program.ingress, program.egress]) {
    using client = await RawClient.connect(listener);
    await client.write('GET / HTTP/1.1\r\nHost: a.exam');
    const answer = await client.readResponse();
    assert.equal(answer.status, 408);
    assert.equal(field(answer, 'x-softprobe-outcome'), 'proxy-error');
    await client.source.ending();
  }
});

function expectTimeout(answer: Response, code: string) {
  assert.equal(answer.status, 504);
  assert.equal(field(answer, 'x-softprobe-outcome'), 'proxy-error');
  const { error } = JSON.parse(answer.body.toString()) as { error: { code: unknown } };
  assert.equal(error.code, code);
}

async function neverAnswered(): Promise<void> {
  origin.next(async (call) => {
    await call.body();
    await call.gone();
  });
  using client = await RawClient.connect(program.egress);
  await client.write(`GET ${origin.url}/never HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
  expectTimeout(await client.readResponse(), 'upstream_header_timeout');
}

/**
 * Listens with its event loop blocked, so that nothing is ever accepted. Linux completes as many connections
 * as the backlog and one more; whoever comes later gets no answer to its SYN.
 */
class DeafServer implements AsyncDisposable {
  readonly authority: string;
  readonly #worker: Worker;
  readonly #waiting: readonly RawClient[];

  private constructor(authority: string, worker: Worker, waiting: readonly RawClient[]) {
    this.authority = authority;
    this.#worker = worker;
    this.#waiting = waiting;
  }

  static async listen(): Promise<DeafServer> {
    const worker = new Worker(
      `const server = require('node:net').createServer();
       server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
         require('node:worker_threads').parentPort.postMessage(server.address().port);
         Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
       });`,
      { eval: true },
    );
    const [port] = (await once(worker, 'message')) as [number];
    const url = `http://127.0.0.1:${port}`;
    return new DeafServer(`127.0.0.1:${port}`, worker, [
      await RawClient.connect(url),
      await RawClient.connect(url),
    ]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#waiting) client[Symbol.dispose]();
    await this.#worker.terminate();
  }
}
