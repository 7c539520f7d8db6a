import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Span } from '../../src/cases/documents.generated.ts';
import { plain, type RowRequest, request } from './rows/row.ts';
import type { Ending } from './support/byte-source.ts';
import { field, type Head } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import { openRoute, type Route, renderRequest, ways } from './support/route.ts';
import type { OriginCall, ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

const MUCH = Buffer.alloc(64 << 20, 'much');
const GET = request('GET', '/breaks');
const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n';

interface ClientBreak {
  readonly when: string;
  readonly sent: RowRequest;
  /** What the origin does before it waits for the abort. */
  readonly play: (call: OriginCall) => Promise<unknown>;
  /** What the client does before it goes away. */
  readonly reach: (client: RawClient) => Promise<unknown>;
}

const clientBreaks: readonly ClientBreak[] = [
  {
    when: 'before any answer',
    sent: GET,
    play: (call) => call.body(),
    reach: async () => {},
  },
  {
    when: 'in the middle of its upload',
    sent: request('POST', '/breaks', ['Content-Length: 100'], 'half'),
    play: (call) => call.source.until('half'),
    reach: async () => {},
  },
  {
    when: 'in the middle of the response',
    sent: GET,
    play: async (call) => {
      await call.body();
      await call.write(`${OK}Content-Length: 100\r\n\r\nhalf`);
    },
    reach: (client) => client.source.until('half'),
  },
  {
    when: 'between two events of a stream',
    sent: GET,
    play: async (call) => {
      await call.body();
      await call.write(`${OK}Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n`);
    },
    reach: (client) => client.source.until('half'),
  },
  {
    when: 'while more is sent than it reads',
    sent: GET,
    play: async (call) => {
      await call.body();
      // The write of what no buffer on the way can hold ends with the connection.
      call.write(`${OK}Content-Length: ${MUCH.length}\r\n\r\n`).catch(() => {});
      call.write(MUCH).catch(() => {});
    },
    reach: (client) => client.readHead(),
  },
];

const upstreamBreaks = [
  { framing: 'content-length', head: `${OK}Content-Length: 100\r\n\r\n`, part: 'half', how: 'end' },
  { framing: 'content-length', head: `${OK}Content-Length: 100\r\n\r\n`, part: 'half', how: 'reset' },
  { framing: 'chunks', head: `${OK}Transfer-Encoding: chunked\r\n\r\n`, part: '4\r\nhalf\r\n', how: 'end' },
  { framing: 'chunks', head: `${OK}Transfer-Encoding: chunked\r\n\r\n`, part: '4\r\nhalf\r\n', how: 'reset' },
  { framing: 'the close', head: `${OK}\r\n`, part: 'half', how: 'reset' },
] as const;

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

for (const way of ways) {
  describe(`breaks: ${way.name}`, () => {
    describe('a client that goes away aborts the upstream request at once', () => {
      for (const { when, sent, play, reach } of clientBreaks) {
        test(when, async () => {
          const route = await openRoute(program, way);
          const reached = Promise.withResolvers<void>();
          const aborted = origin.next(async (call) => {
            await play(call);
            reached.resolve();
            await call.gone();
          });
          const client = await RawClient.connect(route.url);
          await client.write(renderRequest(sent, route, origin));
          await Promise.all([reach(client), reached.promise]);
          client[Symbol.dispose]();
          await aborted;
          await expectFailure(route, /^aborted$/);
          await expectWorking(route);
        });
      }
    });

    describe('an upstream that breaks off breaks the connection of the client', () => {
      for (const { framing, head, part, how } of upstreamBreaks) {
        test(`by a ${how} in a body framed by ${framing}`, async () => {
          const route = await openRoute(program, way);
          const read = Promise.withResolvers<void>();
          origin.next(async (call) => {
            await call.body();
            await call.write(head + part);
            await read.promise;
            call[how]();
          });
          using client = await RawClient.connect(route.url);
          await client.write(renderRequest(GET, route, origin));
          const answer = await client.readHead();
          await client.source.until('half');
          read.resolve();
          expectBroken(answer, await client.source.rest());
          const span = await expectFailure(route, /./);
          if (span === undefined) return;
          assert.notEqual(attribute(span, 'error.type'), 'aborted', 'that is what a client does');
          assert.equal(attribute(span, 'http.response.status_code'), 200);
          assert.equal(attribute(span, 'http.response.body'), 'half');
        });
      }
    });
  });
}

/** A body that broke off must not look whole: no last chunk, and a reset where only the end would tell. */
function expectBroken(answer: Head, { bytes, ending }: { bytes: Buffer; ending: Ending }) {
  if (field(answer, 'transfer-encoding') !== undefined) {
    assert.doesNotMatch(bytes.toString('latin1'), /(^|\r\n)0\r\n/, 'a last chunk after a broken body');
  } else if (field(answer, 'content-length') === undefined) {
    assert.equal(ending, 'reset');
  } else {
    assert.equal(bytes.length, 0);
  }
}

/** What broke off must not cost the next request anything. */
async function expectWorking(route: Route) {
  origin.next(plain('fine'));
  using client = await RawClient.connect(route.url);
  await client.write(renderRequest(GET, route, origin));
  assert.equal((await client.readResponse()).body.toString(), 'fine');
}

/** @returns the recorded span, where there was a session */
async function expectFailure({ session }: Route, errorType: RegExp): Promise<Span | undefined> {
  if (session === undefined) return undefined;
  const span = onlySpan(await session.closeToCase());
  assert.match(String(attribute(span, 'error.type')), errorType);
  assert.equal(span.status?.code, 2);
  return span;
}
