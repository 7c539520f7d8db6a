import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { before, describe, test } from 'node:test';
import { plain, request } from './rows/row.ts';
import { field } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { openRoute, type Route, renderRequest, ways } from './support/route.ts';
import type { OriginCall, ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';
import { stalled } from './support/stalled.ts';

const MIB = 1024 * 1024;
const LARGE = 100 * MIB;
/** Far below what holding two bodies of `LARGE` bytes would cost; the collector lets some 80 MiB of chunks lie. */
const MEMORY_BOUND = 130 * MIB;
/** The same for one body that is held up on its way. */
const STALLED_BOUND = 64 * MIB;
/** What sockets' buffers on the way may take in; the kernel's grow to a few MiB each. */
const BUFFERS_BOUND = 40 * MIB;
const BLOCK = Buffer.alloc(
  64 * 1024,
  Uint8Array.from({ length: 251 }, (_, index) => index),
);

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

for (const way of ways) {
  describe(`streams: ${way.name}`, () => {
    let route: Route;
    before(async () => {
      route = await openRoute(program, way);
    });

    test('100 MB down and 100 MB up at the same time pass whole, and memory stays flat', async () => {
      await ping(route);
      program.forgetPeak();
      const atRest = program.residentBytes;
      using client = await startDownload(route);
      const hashes = await Promise.all([hashStream(client, LARGE), upload(route)]);
      assert.deepEqual(hashes, [hashOf(LARGE), hashOf(LARGE)]);
      const grown = program.peakResidentBytes - atRest;
      assert.ok(grown < MEMORY_BOUND, `grew by ${Math.round(grown / MIB)} MiB`);
    });

    test('a client that does not read makes the origin wait, and gets everything later', async () => {
      const atRest = program.residentBytes;
      let sent = 0;
      const done = origin.next(async (call) => {
        await call.body();
        await call.write(headOf(LARGE));
        await writeBlocks(LARGE, call, (bytes) => {
          sent += bytes;
        });
      });
      using client = await RawClient.connect(route.url);
      await client.write(renderRequest(request('GET', '/large'), route, origin));
      await client.readHead();
      await stalled(() => sent, program.admin);
      assert.ok(sent < BUFFERS_BOUND, `the origin could send ${Math.round(sent / MIB)} MiB to nobody`);
      assert.ok(program.residentBytes - atRest < STALLED_BOUND);
      assert.equal(await hashStream(client, LARGE), hashOf(LARGE));
      await done;
    });

    test('an origin that does not read makes the client wait', async () => {
      const atRest = program.residentBytes;
      let sent = 0;
      const mayRead = Promise.withResolvers<void>();
      const done = origin.next(async (call) => {
        await mayRead.promise;
        await call.body();
        await call.write(plain('all of it'));
      });
      using client = await RawClient.connect(route.url);
      const posted = request('POST', '/large', [`Content-Length: ${LARGE}`]);
      await client.write(renderRequest(posted, route, origin));
      const written = writeBlocks(LARGE, client, (bytes) => {
        sent += bytes;
      });
      await stalled(() => sent, program.admin);
      assert.ok(sent < BUFFERS_BOUND, `the client could send ${Math.round(sent / MIB)} MiB to nobody`);
      assert.ok(program.residentBytes - atRest < STALLED_BOUND);
      mayRead.resolve();
      await written;
      assert.equal((await client.readResponse()).body.toString(), 'all of it');
      assert.equal((await done).body.length, LARGE);
    });

    test('each server-sent event arrives before the next is produced', async () => {
      const arrivals = Array.from({ length: 20 }, () => Promise.withResolvers<void>());
      origin.next(async (call) => {
        await call.body();
        await call.write(
          'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
        );
        for (const [index, arrival] of arrivals.entries()) {
          await call.write(chunkOf(`data: ${index}\n\n`));
          await arrival.promise;
        }
        await call.write('0\r\n\r\n');
      });
      using client = await RawClient.connect(route.url);
      await client.write(
        renderRequest(request('GET', '/events', ['Accept: text/event-stream']), route, origin),
      );
      assert.equal(field(await client.readHead(), 'content-type'), 'text/event-stream');
      for (const [index, arrival] of arrivals.entries()) {
        assert.equal(
          (await client.source.until('\n\n\r\n')).toString().split('\r\n')[1],
          `data: ${index}\n\n`,
        );
        arrival.resolve();
      }
      assert.equal((await client.source.until('0\r\n\r\n')).toString(), '0\r\n\r\n');
    });

    test('each piece of an upload arrives before the next is produced', async () => {
      const pieces = ['alpha', 'beta', 'gamma'];
      const arrivals = pieces.map(() => Promise.withResolvers<void>());
      origin.next(async (call) => {
        for (const [index, piece] of pieces.entries()) {
          await call.source.until(piece);
          arrivals[index]?.resolve();
        }
        await call.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
        await call.gone();
      });
      using client = await RawClient.connect(route.url);
      await client.write(
        renderRequest(request('POST', '/feed', ['Transfer-Encoding: chunked']), route, origin),
      );
      for (const [index, piece] of pieces.entries()) {
        await client.write(chunkOf(piece));
        await arrivals[index]?.promise;
      }
      await client.write('0\r\n\r\n');
      assert.equal((await client.readResponse()).body.toString(), 'ok');
    });

    test('a body without end in sight that ends by closing arrives as it comes', async () => {
      const read = Promise.withResolvers<void>();
      origin.next(async (call) => {
        await call.body();
        await call.write('HTTP/1.1 200 OK\r\n\r\nfirst');
        await read.promise;
        await call.write('second');
        call.end();
      });
      using client = await RawClient.connect(route.url);
      await client.write(renderRequest(request('GET', '/tail'), route, origin));
      await client.source.until('first');
      read.resolve();
      await client.source.until('second');
    });
  });
}

async function ping(route: Route): Promise<void> {
  origin.next(plain('pong'));
  using client = await RawClient.connect(route.url);
  await client.write(renderRequest(request('GET', '/ping'), route, origin));
  assert.equal((await client.readResponse()).status, 200);
}

/** @returns the client, when the head of the response has arrived */
async function startDownload(route: Route): Promise<RawClient> {
  origin.next(async (call) => {
    await call.body();
    await call.write(headOf(LARGE));
    await writeBlocks(LARGE, call);
  });
  const client = await RawClient.connect(route.url);
  await client.write(renderRequest(request('GET', '/large'), route, origin));
  assert.equal(field(await client.readHead(), 'content-length'), String(LARGE));
  return client;
}

async function upload(route: Route): Promise<string> {
  const arrived = Promise.withResolvers<string>();
  origin.next(async (call) => {
    arrived.resolve(await hashStream(call, LARGE));
    await call.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    call.end();
  });
  using client = await RawClient.connect(route.url);
  await client.write(renderRequest(request('POST', '/large', [`Content-Length: ${LARGE}`]), route, origin));
  await writeBlocks(LARGE, client);
  assert.equal((await client.readResponse()).status, 200);
  return arrived.promise;
}

async function writeBlocks(
  length: number,
  to: Pick<OriginCall | RawClient, 'write'>,
  wrote: (bytes: number) => void = () => {},
): Promise<void> {
  for (let sent = 0; sent < length; sent += BLOCK.length) {
    await to.write(BLOCK);
    wrote(BLOCK.length);
  }
}

async function hashStream({ source }: Pick<RawClient, 'source'>, length: number): Promise<string> {
  const hash = createHash('sha1');
  await source.stream(length, (chunk) => hash.update(chunk));
  return hash.digest('hex');
}

function hashOf(length: number): string {
  const hash = createHash('sha1');
  for (let hashed = 0; hashed < length; hashed += BLOCK.length) hash.update(BLOCK);
  return hash.digest('hex');
}

function headOf(length: number): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`;
}

function chunkOf(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
