import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { plain } from './rows/row.ts';
import { Session } from './support/control-client.ts';
import { BLIND_BYTES, callThrough, connectThrough, proxyCredentials } from './support/egress-call.ts';
import { field, fields, type Request } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

const run = promisify(execFile);

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

const open = () => Session.open(program.control, { mode: 'replay' });
const call = (...lines: string[]) => callThrough(program.egress, origin, lines);
const connect = (...lines: string[]) => connectThrough(program.egress, origin, lines);

describe('a call through the egress listener belongs to the session that is named by', () => {
  const ways: Record<string, [attribution: string, lines: (id: string) => string[]]> = {
    'the session header': ['header', (id) => [`X-Softprobe-Session-Id: ${id}`]],
    'an older session header': ['header', (id) => [`x-sp-session-id: ${id}`]],
    'a member of tracestate': ['tracestate', (id) => [`tracestate: v=1,x-softprobe-session-id=${id}`]],
    'a member of baggage': ['baggage', (id) => [`baggage: x-softprobe-session-id=${id}`]],
    'a member of baggage among others, with properties and white space': [
      'baggage',
      (id) => [`baggage: user=x%20y;p, x-softprobe-session-id = ${id} ; ttl=5,last=1`],
    ],
    'a member of the second of two baggage headers': [
      'baggage',
      (id) => ['Baggage: a=1', `baggage: x-softprobe-session-id=${id}`],
    ],
    'a percent-encoded member of baggage': [
      'baggage',
      (id) => [`baggage: x-softprobe-session-id=${percentEncoded(id)}`],
    ],
    'the user name in proxy credentials': ['proxy-credential', (id) => [proxyCredentials(id)]],
    'the user name in proxy credentials that have a password': [
      'proxy-credential',
      (id) => [proxyCredentials(id, 'pass:word')],
    ],
    'proxy credentials with the scheme in another case': [
      'proxy-credential',
      (id) => [proxyCredentials(id).replace('Basic', 'bAsIc')],
    ],
  };
  for (const [name, [attribution, lines]] of Object.entries(ways)) {
    test(name, async () => {
      const session = await open();
      const { answer, seen } = await call(...lines(session.id));
      assert.equal(field(answer, 'x-softprobe-outcome'), 'forward');
      assert.deepEqual((await session.stats()).attribution, { [attribution]: 1 });
      expectSessionInside(seen, session);
    });
  }

  test('the trace of a request that came in for it', async () => {
    const session = await open();
    const traceId = randomBytes(16).toString('hex');
    await comeIn(session, traceId);
    const { answer, seen } = await call(traceparent(traceId));
    assert.equal(field(answer, 'x-softprobe-outcome'), 'forward');
    assert.deepEqual((await session.stats()).attribution, { header: 1, 'trace-id': 1 });
    expectSessionInside(seen, session);
    assert.equal(field(seen ?? { headers: [] }, 'traceparent')?.slice(3, 35), traceId);
  });

  test('the trace that the ingress listener began for it', async () => {
    const session = await open();
    const { traceparent: begun } = await comeIn(session);
    const { answer } = await call(`traceparent: ${begun}`);
    assert.equal(field(answer, 'x-softprobe-outcome'), 'forward');
    assert.deepEqual((await session.stats()).attribution, { header: 1, 'trace-id': 1 });
  });
});

describe('a process that has the session in its HTTP_PROXY belongs to it, if it calls by', () => {
  const viaHttp = `
    import http from 'node:http';
    http.get(process.argv[1], (answer) => answer.pipe(process.stdout));`;
  const viaFetch = 'process.stdout.write(await (await fetch(process.argv[1])).text());';
  const clients: Record<string, [password: string, command: string, args: string[]]> = {
    "Node's http": ['', process.execPath, ['--input-type=module', '-e', viaHttp]],
    // It sends a user name only together with a password.
    "Node's fetch": ['x', process.execPath, ['--input-type=module', '-e', viaFetch]],
    curl: ['', 'curl', ['-sS', '--max-time', '15']],
  };
  for (const [name, [password, command, args]] of Object.entries(clients)) {
    test(name, async () => {
      const session = await open();
      const proxy = Object.assign(new URL(program.egress), { username: session.id, password }).href;
      // curl reads the lower-case name only.
      const env = { PATH: process.env.PATH, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy, http_proxy: proxy };
      origin.next(plain('real'));
      const { stdout } = await run(command, [...args, `${origin.url}/value`], { env });
      assert.equal(stdout, 'real');
      const { attribution, forwardedOutbound } = await session.stats();
      assert.deepEqual([attribution, forwardedOutbound], [{ 'proxy-credential': 1 }, 1]);
    });
  }
});

describe('proxy credentials', () => {
  test('never travel further, with a session or without', async () => {
    const session = await open();
    for (const line of [proxyCredentials(session.id), proxyCredentials('somebody', 'else')]) {
      const { seen } = await call(line);
      assert.deepEqual(
        fields(seen ?? { headers: ['proxy-authorization', 'lost'] }, 'proxy-authorization'),
        [],
      );
    }
  });

  test('on CONNECT tie the tunnel, which counts as one call that left', async () => {
    const session = await open();
    const { answer, seen } = await connect(proxyCredentials(session.id));
    assert.equal(answer.status, 200);
    assert.equal(seen?.startLine, BLIND_BYTES);
    const { attribution, forwardedOutbound } = await session.stats();
    assert.deepEqual([attribution, forwardedOutbound], [{ 'proxy-credential': 1 }, 1]);
  });

  test('at the ingress listener name no session', async () => {
    const session = await open();
    origin.next(plain('app'));
    using client = await RawClient.connect(program.ingress);
    await client.write(`GET / HTTP/1.1\r\nHost: app\r\n${proxyCredentials(session.id)}\r\n\r\n`);
    assert.equal(field(await client.readResponse(), 'x-softprobe-outcome'), undefined);
    assert.deepEqual((await session.stats()).attribution, {});
  });
});

describe('where several steps name a session', () => {
  test('the surest wins', async () => {
    const sessions = await Promise.all(Array.from({ length: 5 }, open));
    const [header, tracestate, baggage, trace, credential] = sessions;
    assert.ok(header && tracestate && baggage && trace && credential);
    const traceId = randomBytes(16).toString('hex');
    await comeIn(trace, traceId);
    const steps = [
      `x-softprobe-session-id: ${header.id}`,
      `tracestate: x-softprobe-session-id=${tracestate.id}`,
      `baggage: x-softprobe-session-id=${baggage.id}`,
      traceparent(traceId),
      proxyCredentials(credential.id),
    ];
    for (const first of steps.keys()) await call(...steps.slice(first));
    const counts = await Promise.all(sessions.map(async (session) => (await session.stats()).attribution));
    assert.deepEqual(counts, [
      { header: 1 },
      { tracestate: 1 },
      { baggage: 1 },
      { header: 1, 'trace-id': 1 },
      { 'proxy-credential': 1 },
    ]);
  });

  test('one that is closed gives way to the next', async () => {
    const closed = await open();
    await closed.close();
    const session = await open();
    await call(`x-softprobe-session-id: ${closed.id}`, `baggage: x-softprobe-session-id=${session.id}`);
    assert.deepEqual((await session.stats()).attribution, { baggage: 1 });
  });
});

test('when a session closes, the traces that came in for it tie nothing any more', async () => {
  const session = await open();
  const traceId = randomBytes(16).toString('hex');
  await comeIn(session, traceId);
  await session.close();
  const line = traceparent(traceId);
  expectUntouched(await call(line), [line]);
});

describe('where tests share a trace, as those of one suite do that is traced itself', () => {
  test('each request that came in ties the calls that hand its traceparent on', async () => {
    const traceId = randomBytes(16).toString('hex');
    const sessions = await Promise.all([open(), open()]);
    const begun: (string | undefined)[] = [];
    for (const session of sessions) begun.push((await comeIn(session, traceId)).traceparent);
    for (const line of begun) await call(`traceparent: ${line}`);
    for (const session of sessions) {
      assert.deepEqual((await session.stats()).attribution, { header: 1, 'trace-id': 1 });
    }
  });

  test("a call that names only their trace is nobody's, rather than the wrong test's", async () => {
    const traceId = randomBytes(16).toString('hex');
    const sessions = await Promise.all([open(), open()]);
    for (const session of sessions) await comeIn(session, traceId);
    const line = traceparent(traceId);
    expectUntouched(await call(line), [line]);
  });

  test('a call that names only their trace belongs to the one that is still open', async () => {
    const traceId = randomBytes(16).toString('hex');
    const first = await open();
    const { traceparent: begun } = await comeIn(first, traceId);
    await first.close();
    const second = await open();
    await comeIn(second, traceId);
    await call(traceparent(traceId));
    assert.deepEqual((await second.stats()).attribution, { header: 1, 'trace-id': 1 });
    // What the closed one began is still its own, and so nobody's.
    const late = `traceparent: ${begun}`;
    expectUntouched(await call(late), [late]);
    await call(traceparent(traceId));
    assert.deepEqual((await second.stats()).attribution, { header: 1, 'trace-id': 2 });
  });
});

describe('a value that names no open session changes nothing:', () => {
  const credentials = (bytes: string) =>
    `Proxy-Authorization: Basic ${Buffer.from(bytes, 'latin1').toString('base64')}`;
  const HUGE = 'x'.repeat(50_000);
  const hostile: Record<string, (id: string) => string> = {
    'a huge session header': () => `x-softprobe-session-id: ${HUGE}`,
    'a session header that goes on': (id) => `x-softprobe-session-id: ${id}${HUGE}`,
    'a session header in latin-1': () => 'x-softprobe-session-id: \xe9\xff',
    'a session header with a tab in it': (id) => `x-softprobe-session-id: ${id}\t1`,
    'an empty session header': () => 'x-softprobe-session-id:',
    'the name of a property of every object': () => 'x-softprobe-session-id: __proto__',
    'a huge tracestate member': () => `tracestate: x-softprobe-session-id=${HUGE}`,
    'ten thousand tracestate members': () => `tracestate: ${'a=b,'.repeat(10_000)}`,
    'a tracestate of separators': () => `tracestate: ,;=${',='.repeat(10_000)}`,
    'a huge baggage member': () => `baggage: x-softprobe-session-id=${HUGE}`,
    'ten thousand baggage members': () => `baggage: ${'a=b,'.repeat(10_000)}`,
    'a baggage of separators': () => `baggage: ,;=${',;='.repeat(10_000)}`,
    'baggage with a percent sign and nothing behind it': () => 'baggage: x-softprobe-session-id=sess_%',
    'baggage with percent-encoding that is none': () => 'baggage: x-softprobe-session-id=%zz%4',
    'baggage with percent-encoded bytes that are no UTF-8': () => 'baggage: x-softprobe-session-id=%ff%fe',
    'baggage with half of a character': () => 'baggage: x-softprobe-session-id=%E0%A4%A',
    'baggage with a percent-encoded NUL': (id) => `baggage: x-softprobe-session-id=${id}%00`,
    'baggage with percent-encoded line ends': (id) => `baggage: x-softprobe-session-id=${id}%0d%0aX-A:%201`,
    'baggage with the id as a property': (id) => `baggage: a=b;x-softprobe-session-id=${id}`,
    'baggage with the id under a longer key': (id) => `baggage: x-softprobe-session-id2=${id}`,
    'credentials that are not base64': () => 'Proxy-Authorization: Basic ~~~~',
    'credentials of nothing': () => 'Proxy-Authorization: Basic',
    'credentials of a colon': () => credentials(':'),
    'credentials of another scheme': (id) => `Proxy-Authorization: Bearer ${id}`,
    'credentials that are not UTF-8': () => credentials('\xff\xfe\xc3:'),
    'credentials with control characters': (id) => credentials(`${id}\0\r\n:`),
    'credentials with the id as the password': (id) => credentials(`somebody:${id}`),
    'huge credentials': () => credentials(HUGE.slice(0, 40_000)),
    'a traceparent of a trace that nobody knows': () => traceparent(randomBytes(16).toString('hex')),
    'a traceparent of zeros': () => traceparent('0'.repeat(32)),
    'a huge traceparent': () => `traceparent: 00-${HUGE}`,
  };
  for (const [name, lineOf] of Object.entries(hostile)) {
    test(name, async () => {
      const session = await open();
      await session.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
      const line = lineOf(session.id);
      expectUntouched(await call(line), [line]);
      const tunnel = await connect(line);
      assert.deepEqual([tunnel.answer.status, tunnel.seen?.startLine], [200, BLIND_BYTES]);
      const { attribution, strictMisses } = await session.stats();
      assert.deepEqual([attribution, strictMisses], [{}, 0]);
      // The same program still knows its session.
      assert.equal((await call(proxyCredentials(session.id))).answer.status, 599);
      await session.close();
    });
  }

  test('all of them at once', async () => {
    const session = await open();
    const lines = Object.entries(hostile).flatMap(([name, lineOf]) =>
      /huge|thousand|separators|goes on/.test(name) ? [] : [lineOf(session.id)],
    );
    expectUntouched(await call(...lines), lines);
    await session.close();
  });
});

/** Sends a request in for a session. @returns the traceparent that the app got */
async function comeIn(session: Session, traceId?: string): Promise<{ traceparent: string | undefined }> {
  const seen = origin.next(plain('app'));
  using client = await RawClient.connect(program.ingress);
  const lines = [`x-softprobe-session-id: ${session.id}`, ...(traceId ? [traceparent(traceId)] : [])];
  await client.write(`GET / HTTP/1.1\r\nHost: app\r\n${lines.join('\r\n')}\r\n\r\n`);
  await client.readResponse();
  return { traceparent: field(await seen, 'traceparent') };
}

function traceparent(traceId: string): string {
  return `traceparent: 00-${traceId}-${randomBytes(8).toString('hex')}-01`;
}

function percentEncoded(text: string): string {
  return Array.from(text, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`).join('');
}

function expectSessionInside(seen: Request | undefined, session: Session) {
  assert.ok(seen !== undefined, 'the call did not reach the origin');
  assert.match(fields(seen, 'tracestate').join(), new RegExp(`^x-softprobe-session-id=${session.id}(,|$)`));
}

/** Forwarded as a request of no session: nothing added, only what never leaves the egress listener removed. */
function expectUntouched({ answer, seen }: Awaited<ReturnType<typeof call>>, lines: readonly string[]) {
  assert.deepEqual([answer.status, answer.body.toString()], [200, 'real']);
  assert.equal(field(answer, 'x-softprobe-outcome'), undefined);
  assert.ok(seen !== undefined);
  const kept = lines.filter((line) => !/^(x-softprobe-|proxy-)/i.test(line));
  const sent = kept.map((line) => line.slice(line.indexOf(':') + 1).trim());
  const ignored = new Set(['host', 'connection']);
  const received = seen.headers.filter(
    (_, index) => index % 2 === 1 && !ignored.has(String(seen.headers[index - 1]).toLowerCase()),
  );
  assert.deepEqual(received, sent);
}
