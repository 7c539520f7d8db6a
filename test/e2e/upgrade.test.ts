import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { chunked, plain, request, response } from './rows/row.ts';
import { Session } from './support/control-client.ts';
import { field, fields } from './support/http-message.ts';
import { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, onlySpan } from './support/recorded-spans.ts';
import { endToEnd, openRoute, type Route, renderRequest, ways } from './support/route.ts';
import { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: rot13\r\nConnection: Upgrade\r\n\r\n';
const ASKING = ['Connection: Upgrade', 'Upgrade: rot13'];

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

for (const way of ways) {
  describe(`Upgrade: ${way.name}`, () => {
    let route: Route;
    before(async () => {
      route = await openRoute(program, way);
    });

    async function ask(
      lines: readonly string[] = ASKING,
      method = 'GET',
      path = '/live',
    ): Promise<RawClient> {
      const client = await RawClient.connect(route.url);
      await client.write(renderRequest(request(method, path, lines), route, origin));
      return client;
    }

    test('the handshake arrives as it was sent, hop-by-hop fields in their place', async () => {
      const path = '/a/../b//c?x=%zz&y={1}';
      const lines = [
        'X-First: 1',
        'connection: keep-alive, Upgrade',
        'X-Twice: a',
        'UPGRADE: rot13, other/2',
        'X-Between: b',
        'x-twice: \xe9',
        'Proxy-Connection: keep-alive',
      ];
      const seen = origin.next(async (call) => {
        await call.write(SWITCHED);
        await call.gone();
      });
      using client = await ask(lines, 'GET', path);
      await client.readHead();
      client.halfClose();
      const head = await seen;
      assert.equal(head.startLine, `GET ${path} HTTP/1.1`);
      const ours = ['host', 'traceparent', 'tracestate', 'x-softprobe-session-id'];
      const kept = head.headers.filter((_, index) => {
        return !ours.includes(head.headers[index - (index % 2)]?.toLowerCase() ?? '');
      });
      assert.deepEqual(
        kept,
        lines.slice(0, -1).flatMap((line) => line.split(': ')),
      );
      assert.equal(field(head, 'traceparent') !== undefined, way.inSession);
      assert.equal(
        fields(head, 'x-softprobe-session-id').length,
        way.inSession && way.kind === 'ingress' ? 1 : 0,
      );
    });

    test('an option of Connection that names a dropped field is dropped with it', async () => {
      const seen = origin.next(async (call) => call.write(SWITCHED));
      using client = await ask(['Connection: Upgrade, X-Mine', 'Upgrade: rot13', 'X-Mine: 1', 'X-Other: 2']);
      await client.readHead();
      const head = await seen;
      assert.deepEqual(fields(head, 'connection'), ['Upgrade']);
      assert.deepEqual([field(head, 'x-mine'), field(head, 'x-other')], [undefined, '2']);
    });

    test('the 101 arrives as it was sent, and so do the bytes that came with it', async () => {
      const sent = ['UPGRADE', 'rot13', 'X-Twice', '1', 'cOnnection', 'Upgrade', 'x-twice', '\xfc'];
      origin.next(async (call) => {
        const lines = sent.flatMap((name, index) => (index % 2 === 0 ? `${name}: ${sent[index + 1]}` : []));
        await call.write(`HTTP/1.1 101 As You \xfcish\r\n${lines.join('\r\n')}\r\n\r\nfirst words`);
        await call.gone();
      });
      using client = await ask();
      const head = await client.readHead();
      assert.equal(head.startLine, 'HTTP/1.1 101 As You \xfcish');
      const ours = way.inSession ? ['x-softprobe-outcome', 'forward'] : [];
      assert.deepEqual(head.headers, [...sent, ...ours]);
      assert.equal((await client.source.exactly(11)).toString(), 'first words');
    });

    test('what the client sends before the 101 is kept for the other protocol', async () => {
      const seen = Promise.withResolvers<Buffer>();
      const sent = Promise.withResolvers<void>();
      origin.next(async (call) => {
        await sent.promise;
        await call.write(SWITCHED);
        seen.resolve(await call.source.exactly(10));
      });
      using client = await RawClient.connect(route.url);
      const head = renderRequest(request('GET', '/live', ASKING), route, origin);
      await client.write(Buffer.concat([head, Buffer.from('early')]));
      await client.write('later');
      sent.resolve();
      await client.readHead();
      assert.equal((await seen.promise).toString(), 'earlylater');
    });

    test('each direction ends on its own', async () => {
      const mayAnswer = Promise.withResolvers<void>();
      origin.next(async (call) => {
        await call.write(SWITCHED);
        const { bytes, ending } = await call.source.rest();
        await mayAnswer.promise;
        await call.write(`${bytes.toString()} ${ending}`);
        call.end();
      });
      using up = await ask();
      await up.readHead();
      await up.write('question');
      up.halfClose();
      mayAnswer.resolve();
      assert.deepEqual(await up.source.rest(), { bytes: Buffer.from('question end'), ending: 'end' });

      const heard = Promise.withResolvers<string>();
      origin.next(async (call) => {
        await call.write(`${SWITCHED}last words`);
        call.end();
        heard.resolve((await call.source.rest()).bytes.toString());
      });
      using down = await ask();
      await down.readHead();
      assert.deepEqual(await down.source.rest(), { bytes: Buffer.from('last words'), ending: 'end' });
      await down.write('still ');
      await down.write('here');
      down.halfClose();
      assert.equal(await heard.promise, 'still here');
    });

    test('a side that breaks off breaks the other', async () => {
      origin.next(async (call) => {
        await call.write(SWITCHED);
        await call.source.exactly(2);
        call.reset();
      });
      using client = await ask();
      await client.readHead();
      await client.write('go');
      assert.equal(await client.source.ending(), 'reset');

      const ending = Promise.withResolvers<string>();
      origin.next(async (call) => {
        await call.write(SWITCHED);
        ending.resolve(await call.gone());
      });
      using breaking = await ask();
      await breaking.readHead();
      breaking.socket.resetAndDestroy();
      assert.equal(await ending.promise, 'reset');
    });

    test('a client that goes away before the answer takes the handshake with it', async () => {
      const arrived = Promise.withResolvers<void>();
      const gone = origin.next(async (call) => {
        arrived.resolve();
        await call.gone();
      });
      using client = await ask();
      await arrived.promise;
      client.halfClose();
      await gone;
    });

    test('an upstream that does not switch is an ordinary response', async () => {
      const refusal = response(
        [
          'HTTP/1.1 426 Not Like This',
          'Upgrade: rot14',
          'Connection: Upgrade',
          'X-Repeat: 1',
          'x-RePeat: 2',
          'Content-Type: text/plain',
          'Transfer-Encoding: chunked',
          'Trailer: X-Sum',
        ],
        chunked(['please ', 'upgrade\n'], ['X-Sum: 3']),
      );
      const seen = origin.next(async (call) => {
        await call.write(refusal);
        await call.gone();
      });
      using client = await ask();
      const answer = await client.readResponse();
      assert.deepEqual([answer.status, answer.reason], [426, 'Not Like This']);
      const ours = ['x-softprobe-outcome'];
      assert.deepEqual(endToEnd(answer, ours), [
        ...['X-Repeat', '1', 'x-RePeat', '2', 'Content-Type', 'text/plain', 'Trailer', 'X-Sum'],
      ]);
      assert.deepEqual([answer.body.toString(), answer.trailers], ['please upgrade\n', ['X-Sum', '3']]);
      await client.source.ending();
      await seen;
    });

    test('a large refusal passes whole, at the pace of the client, also to one that did not wait for it', async () => {
      const large = Buffer.alloc(20_000_000, 'no ');
      origin.next(async (call) => {
        await call.write(response(['HTTP/1.1 400 Bad Request', `Content-Length: ${large.length}`], large));
        await call.gone();
      });
      using client = await ask();
      await client.write('sent early, and for nobody');
      const answer = await client.readResponse();
      assert.equal(answer.body.compare(large), 0);
      await client.source.ending();
    });

    test('an upgrade by another method than GET is carried, too, without a body that nobody sent', async () => {
      const seen = origin.next(async (call) => {
        await call.write(SWITCHED);
        assert.equal((await call.source.exactly(2)).toString(), 'up');
        await call.write('down');
      });
      using client = await ask(ASKING, 'POST');
      await client.readHead();
      await client.write('up');
      assert.equal((await client.source.exactly(4)).toString(), 'down');
      const head = await seen;
      assert.deepEqual([field(head, 'content-length'), field(head, 'transfer-encoding')], ['0', undefined]);
    });

    test('comes after the responses to what was asked before it on the same connection', async () => {
      const mayAnswer = Promise.withResolvers<void>();
      const large = 'x'.repeat(3_000_000);
      origin.next(async (call) => {
        await call.body();
        await mayAnswer.promise;
        await call.write(plain(large));
      });
      origin.next(async (call) => {
        await call.write(`${SWITCHED}after it`);
        await call.gone();
      });
      using client = await RawClient.connect(route.url);
      const requests = [request('GET', '/large'), request('GET', '/live', ASKING)];
      await client.write(Buffer.concat(requests.map((each) => renderRequest(each, route, origin))));
      mayAnswer.resolve();
      assert.equal((await client.readResponse()).body.length, large.length);
      assert.match((await client.readHead()).startLine, / 101 /);
      assert.equal((await client.source.exactly(8)).toString(), 'after it');
    });

    for (const upgrade of ['h2c', 'TLS/1.0', 'HTTP/2.0', 'h2c, TLS/1.2']) {
      test(`to ${upgrade} is not asked for: the request stays an ordinary one, and so does the next`, async () => {
        const lines = [
          `Upgrade: ${upgrade}`,
          'Connection: Upgrade, HTTP2-Settings',
          'HTTP2-Settings: AAMAAABk',
        ];
        using client = await RawClient.connect(route.url);
        for (const body of ['first body', 'second']) {
          const seen = origin.next(plain('answered'));
          const post = request('POST', '/post', [...lines, `Content-Length: ${body.length}`]);
          await client.write(renderRequest(post, route, origin));
          await client.write(body);
          const answer = await client.readResponse();
          assert.deepEqual([answer.status, answer.body.toString()], [200, 'answered']);
          const arrived = await seen;
          assert.equal(arrived.body.toString(), body);
          assert.deepEqual([fields(arrived, 'upgrade'), fields(arrived, 'http2-settings')], [[], []]);
        }
      });
    }

    test('with a body, or in HTTP/1.0, is not asked for either', async () => {
      const seen = origin.next(plain('one'));
      using client = await ask([...ASKING, 'Content-Length: 4'], 'POST');
      await client.write('body');
      assert.equal((await client.readResponse()).body.toString(), 'one');
      assert.deepEqual([field(await seen, 'upgrade'), (await seen).body.toString()], [undefined, 'body']);

      const old = origin.next(plain('two'));
      using client10 = await RawClient.connect(route.url);
      const head = renderRequest(request('GET', '/', ASKING), route, origin).toString('latin1');
      await client10.write(head.replace('HTTP/1.1', 'HTTP/1.0'));
      assert.equal((await client10.readResponse()).body.toString(), 'two');
      assert.equal(field(await old, 'upgrade'), undefined);
    });
  });
}

describe('an upgrade of a session', () => {
  const handshake = (session: Session, path = '/live', authority = origin.authority) =>
    [
      `GET http://${authority}${path} HTTP/1.1`,
      `Host: ${authority}`,
      ...ASKING,
      `x-softprobe-session-id: ${session.id}`,
      '\r\n',
    ].join('\r\n');

  test('is recorded as one exchange, with the bytes that passed each way counted and none kept', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    origin.next(async (call) => {
      await call.write(`${SWITCHED}12345`);
      await call.source.exactly(200_000);
      call.end();
    });
    using client = await RawClient.connect(program.egress);
    await client.write(`${handshake(session, '/live?a=1')}early`);
    await client.readHead();
    await client.write('x'.repeat(199_995));
    await client.source.ending();
    client.halfClose();
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'url.full'), `${origin.url}/live?a=1`);
    assert.equal(attribute(span, 'http.response.status_code'), 101);
    assert.equal(attribute(span, 'http.request.body.size'), 200_000);
    assert.equal(attribute(span, 'http.response.body.size'), 5);
    assert.equal(attribute(span, 'http.request.body'), undefined);
    assert.equal(attribute(span, 'http.response.body'), undefined);
    assert.equal(attribute(span, 'http.request.body.truncated'), true);
    assert.equal(attribute(span, 'http.response.body.truncated'), true);
    assert.equal(attribute(span, 'error.type'), undefined);
    assert.equal(span.status, undefined);
    assert.ok(BigInt(span.endTimeUnixNano ?? 0) > BigInt(span.startTimeUnixNano ?? 0));
  });

  test('that broke is recorded as a failed exchange', async () => {
    for (const [breaks, type] of [
      ['client', 'aborted'],
      ['origin', 'ECONNRESET'],
    ] as const) {
      const session = await Session.open(program.control, { mode: 'capture' });
      origin.next(async (call) => {
        await call.write(SWITCHED);
        await call.source.exactly(1);
        if (breaks === 'origin') call.reset();
        await call.gone();
      });
      using client = await RawClient.connect(program.egress);
      await client.write(handshake(session));
      await client.readHead();
      await client.write('1');
      if (breaks === 'client') client.socket.resetAndDestroy();
      else await client.source.ending();
      const span = onlySpan(await session.closeToCase());
      assert.deepEqual([attribute(span, 'error.type'), span.status?.code], [type, 2], breaks);
      assert.equal(attribute(span, 'http.response.status_code'), 101);
      assert.equal(attribute(span, 'http.request.body.size'), 1);
    }
  });

  test('that is still open when the session is closed is in the case', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    const mayEnd = Promise.withResolvers<void>();
    origin.next(async (call) => {
      await call.write(`${SWITCHED}hello`);
      await mayEnd.promise;
      call.end();
    });
    using client = await RawClient.connect(program.egress);
    await client.write(handshake(session));
    await client.readHead();
    await client.source.exactly(5);
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'http.response.status_code'), 101);
    assert.equal(attribute(span, 'http.response.body.size'), 5);
    assert.equal(attribute(span, 'error.type'), 'unfinished');
    mayEnd.resolve();
    assert.equal(await client.source.ending(), 'end');
  });

  test('that the upstream refuses is recorded like any other exchange', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    origin.next(response(['HTTP/1.1 401 No', 'Content-Type: text/plain', 'Content-Length: 6'], 'who?!\n'));
    using client = await RawClient.connect(program.egress);
    await client.write(handshake(session));
    const answer = await client.readResponse();
    assert.equal(field(answer, 'x-softprobe-outcome'), 'forward');
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'http.response.status_code'), 401);
    assert.equal(attribute(span, 'http.response.body'), 'who?!\n');
  });

  test('is answered by rules and policy, and then nothing leaves', async () => {
    const session = await Session.open(program.control, { mode: 'replay' });
    await session.setRules([
      {
        id: 'busy',
        when: { path: '/mocked', headers: { upgrade: 'rot13' } },
        then: { action: 'mock', response: { status: 503, headers: { 'Retry-After': '9' }, body: 'busy' } },
      },
      {
        id: 'slow',
        when: { path: '/slow' },
        then: { action: 'mock', response: { body: 'ok', latencyMs: 30 } },
      },
      {
        id: 'broken',
        when: { path: '/broken' },
        then: { action: 'error', error: { status: 418, body: 'tea' } },
      },
    ]);
    await session.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
    const before = origin.seen.length;
    for (const [path, status, outcome, body] of [
      ['/mocked', 503, 'mock', /^busy$/],
      ['/slow', 200, 'mock', /^ok$/],
      ['/broken', 418, 'error', /^tea$/],
      ['/other', 599, 'strict-miss', /strict_miss/],
    ] as const) {
      using client = await RawClient.connect(program.egress);
      await client.write(handshake(session, path));
      const answer = await client.readResponse();
      assert.deepEqual([answer.status, field(answer, 'x-softprobe-outcome')], [status, outcome]);
      assert.match(answer.body.toString(), body);
      await client.source.ending();
    }
    assert.equal(origin.seen.length, before);
    await session.close();
  });

  test('is answered by a rule that is recorded', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    await session.setRules([
      {
        id: 'gone',
        when: { path: '/live' },
        then: { action: 'mock', response: { status: 410, body: 'gone' } },
      },
    ]);
    using client = await RawClient.connect(program.egress);
    await client.write(handshake(session));
    assert.equal((await client.readResponse()).status, 410);
    const span = onlySpan(await session.closeToCase());
    assert.deepEqual(
      [attribute(span, 'http.response.status_code'), attribute(span, 'http.response.body')],
      [410, 'gone'],
    );
    assert.equal(attribute(span, 'sp.outcome'), 'mock');
  });

  test('that cannot reach its upstream is answered by the proxy, and recorded as failed', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    const gone = await ScriptedOrigin.listen();
    await gone[Symbol.asyncDispose]();
    for (const [authority, status, code] of [
      [gone.authority, 502, 'upstream_refused'],
      [new URL(program.egress).host, 508, 'loop_detected'],
    ] as const) {
      using client = await RawClient.connect(program.egress);
      await client.write(handshake(session, '/live', authority));
      const answer = await client.readResponse();
      assert.deepEqual([answer.status, field(answer, 'x-softprobe-outcome')], [status, 'proxy-error']);
      assert.equal(JSON.parse(answer.body.toString()).error.code, code);
      await client.source.ending();
    }
    const { traces } = await session.closeToCase();
    assert.equal(traces.length, 2);
  });

  test('whose upstream says nothing is a 504', async () => {
    await using impatient = await Program.start(origin.url, ['--header-timeout', '200ms']);
    const session = await Session.open(impatient.control, { mode: 'capture' });
    const gone = origin.next(async (call) => {
      await call.gone();
    });
    using client = await RawClient.connect(impatient.egress);
    await client.write(handshake(session));
    const answer = await client.readResponse();
    assert.equal(answer.status, 504);
    await gone;
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'error.type'), 'timeout');
  });

  test('whose upstream ends, or answers in another protocol, instead of switching is a 502', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    for (const [bytes, code] of [
      ['', 'upstream_reset'],
      ['SSH-2.0-other\r\n', 'upstream_invalid_response'],
      ['HTTP/1.1 101 Switching Protocols\r\n\r\n', 'upstream_invalid_response'],
    ] as const) {
      origin.next(async (call) => {
        if (bytes !== '') await call.write(bytes);
        call.end();
      });
      using client = await RawClient.connect(program.egress);
      await client.write(handshake(session));
      const answer = await client.readResponse();
      assert.equal(answer.status, 502);
      assert.equal(JSON.parse(answer.body.toString()).error.code, code);
    }
    await session.close();
  });
});

describe('an upgrade inside a tunnel', () => {
  test('of plain HTTP is carried and recorded', async () => {
    const session = await Session.open(program.control, { mode: 'capture' });
    origin.next(async (call) => {
      await call.write(`${SWITCHED}hello`);
      assert.equal((await call.source.exactly(7)).toString(), 'earlyup');
      call.end();
      await call.gone();
    });
    using client = await RawClient.connect(program.egress);
    await client.write(`CONNECT ${origin.authority} HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
    await client.readHead();
    const lines = [`Host: ${origin.authority}`, ...ASKING, `x-softprobe-session-id: ${session.id}`, '\r\n'];
    await client.write(`GET /live HTTP/1.1\r\n${lines.join('\r\n')}early`);
    assert.match((await client.readHead()).startLine, / 101 /);
    await client.write('up');
    assert.deepEqual(await client.source.rest(), { bytes: Buffer.from('hello'), ending: 'end' });
    client.halfClose();
    const span = onlySpan(await session.closeToCase());
    assert.equal(attribute(span, 'http.response.status_code'), 101);
    assert.equal(attribute(span, 'http.request.body.size'), 7);
  });
});

describe('a program that stops', () => {
  for (const kind of ['ingress', 'egress'] as const) {
    test(`breaks upgraded connections of the ${kind} off when the drain time is over, and records them`, async () => {
      const stopping = await Program.start(origin.url, ['--drain-timeout', '100ms']);
      const session = await Session.open(stopping.control, { mode: 'capture' });
      const ended = origin.next(async (call) => {
        await call.write(SWITCHED);
        await call.gone();
      });
      using client = await RawClient.connect(kind === 'ingress' ? stopping.ingress : stopping.egress);
      const lines = [`Host: ${origin.authority}`, ...ASKING, `x-softprobe-session-id: ${session.id}`, '\r\n'];
      await client.write(`GET /live HTTP/1.1\r\n${lines.join('\r\n')}`);
      await client.readHead();
      await Promise.all([client.source.ending(), ended, stopping[Symbol.asyncDispose]()]);
    });
  }
});
