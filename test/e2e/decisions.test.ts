import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Policy, Rule } from '../../src/cases/documents.generated.ts';
import { plain, type RowRequest, request } from './rows/row.ts';
import { Session } from './support/control-client.ts';
import { field, fields, type Response } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import { attribute, spansOf } from './support/recorded-spans.ts';
import { expectResponseKept, type Route, renderRequest, send } from './support/route.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

const FORWARDED = { name: 'forwarded', request: request('GET', '/thing'), response: plain('real') };

function post(body: string): RowRequest {
  return request(
    'POST',
    '/thing',
    ['Content-Type: application/json', `Content-Length: ${body.length}`],
    body,
  );
}

function egress(session?: Session): Route {
  const route: Route = { kind: 'egress', url: program.egress, form: 'absolute' };
  return session === undefined ? route : { ...route, session };
}

function ingress(session: Session): Route {
  return { kind: 'ingress', url: program.ingress, form: 'origin', session };
}

/** Sends a request that must be answered here: nothing may reach the origin. */
async function answered(route: Route, sent: RowRequest): Promise<Response> {
  const before = origin.seen.length;
  const answer = await send({ ...FORWARDED, request: sent }, route, origin);
  assert.equal(origin.seen.length, before, 'the request left the machine');
  return answer;
}

async function forwarded(route: Route): Promise<Response> {
  origin.next(FORWARDED.response);
  return send(FORWARDED, route, origin);
}

async function replaying({ rules, policy }: { rules?: Rule[]; policy?: Policy }): Promise<Session> {
  const session = await Session.open(program.control, { mode: 'replay' });
  if (rules !== undefined) await session.setRules(rules);
  if (policy !== undefined) await session.setPolicy(policy);
  return session;
}

function outcomeOf(answer: Response) {
  return [answer.status, field(answer, 'x-softprobe-outcome'), field(answer, 'x-softprobe-rule')];
}

describe('a mock', () => {
  const mock: Rule = {
    id: 'greeting',
    when: { direction: 'outbound', path: '/thing' },
    then: {
      action: 'mock',
      response: {
        status: 201,
        headers: { 'X-One': ['a', 'b'], connection: 'close' },
        body: { hello: 'wörld' },
      },
    },
  };

  test('answers with its status, headers and JSON body, and says so', async () => {
    const session = await replaying({ rules: [mock] });
    const answer = await answered(egress(session), request('GET', '/thing'));
    assert.deepEqual(outcomeOf(answer), [201, 'mock', 'greeting']);
    assert.deepEqual(fields(answer, 'x-one'), ['a', 'b']);
    assert.match(String(field(answer, 'content-type')), /^application\/json/);
    assert.equal(answer.body.toString('utf8'), '{"hello":"wörld"}');
    assert.equal(field(answer, 'content-length'), String(answer.body.length));
    assert.notEqual(field(answer, 'connection'), 'close');
  });

  test('answers a HEAD with the head alone', async () => {
    const session = await replaying({ rules: [mock] });
    const answer = await answered(egress(session), request('HEAD', '/thing'));
    assert.deepEqual([answer.status, answer.framing], [201, 'none']);
  });

  test('answers again on a connection that stays open', async () => {
    const session = await replaying({ rules: [mock] });
    for (const _ of [1, 2, 3]) await answered(egress(session), post('x'));
    assert.equal((await session.stats()).injectedSpans, 3);
  });

  test('for the other direction does not match', async () => {
    const session = await replaying({ rules: [mock] });
    assert.deepEqual(outcomeOf(await forwarded(ingress(session))), [200, 'forward', undefined]);
  });

  test('for inbound answers in the place of the app', async () => {
    const session = await replaying({ rules: [{ ...mock, when: { direction: 'inbound' } }] });
    assert.deepEqual(outcomeOf(await answered(ingress(session), request('GET', '/any'))), [
      201,
      'mock',
      'greeting',
    ]);
  });

  test('that looks at the body sees it, and what does not match is forwarded whole', async () => {
    const when = { bodyJsonPathEquals: { '$.user.id': 7 } };
    const session = await replaying({ rules: [{ ...mock, when }] });
    assert.equal((await answered(egress(session), post('{"user":{"id":7}}'))).status, 201);
    const other = { ...FORWARDED, request: post('{"user":{"id":8}}') };
    const seen = origin.next(other.response);
    const route = egress(session);
    await expectResponseKept(await send(other, route, origin), other, route);
    assert.equal((await seen).body.toString(), '{"user":{"id":8}}');
  });

  test('that looks at the body sees it although the client waits for a 100 first', async () => {
    const session = await replaying({ rules: [{ ...mock, when: { bodyJsonPath: '$.user' } }] });
    using client = await RawClient.connect(program.egress);
    const body = '{"user":1}';
    const lines = [
      'Expect: 100-continue',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
    ];
    await client.write(renderRequest(request('POST', '/thing', lines), egress(session), origin));
    assert.equal((await client.readHead()).startLine, 'HTTP/1.1 100 Continue');
    await client.write(body);
    assert.deepEqual(outcomeOf(await client.readResponse('POST')), [201, 'mock', 'greeting']);
  });

  test('cannot look at a body of 11 MiB, which is forwarded whole', async () => {
    const session = await replaying({ rules: [{ ...mock, when: { bodyJsonPath: '$' } }] });
    const large = { ...FORWARDED, request: post(`"${'x'.repeat(11 << 20)}"`) };
    const route = egress(session);
    const seen = origin.next(large.response);
    await expectResponseKept(await send(large, route, origin), large, route);
    assert.equal((await seen).body.compare(large.request.body), 0);
  });

  test('answers an upload that it does not look at, and the connection goes on', async () => {
    const session = await replaying({ rules: [mock] });
    using client = await RawClient.connect(program.egress);
    for (const size of [1, 5 << 20, 1]) {
      const written = client.write(renderRequest(post('x'.repeat(size)), egress(session), origin));
      assert.deepEqual(outcomeOf(await client.readResponse('POST')), [201, 'mock', 'greeting']);
      await written;
    }
  });

  test('that may be used once is used once, then the next one answers', async () => {
    const once = (label: string): Rule => ({ ...mock, id: label, priority: 1, consume: 'once' });
    const session = await replaying({ rules: [mock, once('second'), once('first')] });
    const labels: unknown[] = [];
    for (const _ of [1, 2, 3])
      labels.push(outcomeOf(await answered(egress(session), request('GET', '/thing')))[2]);
    assert.deepEqual(labels, ['first', 'second', 'greeting']);
  });
});

describe('an error', () => {
  test('answers with its status and body', async () => {
    const then = {
      action: 'error' as const,
      error: { status: 503, body: 'busy', headers: { 'retry-after': '1' } },
    };
    const session = await replaying({ rules: [{ name: 'outage', when: {}, then }] });
    const answer = await answered(egress(session), request('GET', '/thing'));
    assert.deepEqual(outcomeOf(answer), [503, 'error', 'outage']);
    assert.deepEqual([field(answer, 'retry-after'), answer.body.toString()], ['1', 'busy']);
  });
});

describe('a strict policy', () => {
  const strict: Policy = { externalHttp: 'strict', internalHttp: 'strict' };

  test('answers an unmatched outbound hop with 599 and says what was missed', async () => {
    const session = await replaying({ policy: strict });
    const answer = await answered(egress(session), request('GET', '/thing?q=1'));
    assert.deepEqual(outcomeOf(answer), [599, 'strict-miss', undefined]);
    assert.equal(field(answer, 'x-softprobe-strict-miss'), '1');
    assert.match(String(field(answer, 'content-type')), /^application\/json/);
    const body = JSON.parse(answer.body.toString()) as Record<string, unknown>;
    const { error, request: missed, requestFingerprint, nearMisses, sessionId } = body;
    assert.equal((error as { code?: unknown }).code, 'strict_miss');
    assert.equal(sessionId, session.id);
    assert.equal((missed as { method?: unknown }).method, 'GET');
    assert.equal((missed as { host?: unknown }).host, origin.authority);
    assert.match(String((missed as { path?: unknown }).path), /^\/thing/);
    assert.match(String(requestFingerprint), /^[0-9a-f]{16,}$/);
    assert.ok(Array.isArray(nearMisses));
    const stats = await session.stats();
    assert.equal(stats.strictMisses, 1);
    assert.notEqual(stats.lastStrictMiss, undefined);
  });

  test('leaves inbound hops alone', async () => {
    const session = await replaying({ policy: strict });
    assert.deepEqual(outcomeOf(await forwarded(ingress(session))), [200, 'forward', undefined]);
  });

  test('has its exceptions in passthrough rules and the allow list', async () => {
    const passthrough: Rule = { id: 'through', when: { path: '/thing' }, then: { action: 'passthrough' } };
    const byRule = await replaying({ policy: strict, rules: [passthrough] });
    assert.deepEqual(outcomeOf(await forwarded(egress(byRule))), [200, 'forward', 'through']);
    const byList = await replaying({ policy: { ...strict, externalAllowlist: ['127.0.0.1'] } });
    assert.deepEqual(outcomeOf(await forwarded(egress(byList))), [200, 'forward', undefined]);
  });

  test('that is strict about external hosts only lets loopback through', async () => {
    const session = await replaying({ policy: { externalHttp: 'strict' } });
    assert.deepEqual(outcomeOf(await forwarded(egress(session))), [200, 'forward', undefined]);
  });
});

describe('capture_only', () => {
  test('records the hop outside capture mode', async () => {
    const rule: Rule = { id: 'look', when: { path: '/thing' }, then: { action: 'capture_only' } };
    const session = await replaying({ rules: [rule] });
    assert.deepEqual(outcomeOf(await forwarded(egress(session))), [200, 'forward', 'look']);
    const spans = spansOf(await session.closeToCase());
    assert.deepEqual(
      spans.map((span) => attribute(span, 'http.response.body')),
      ['real'],
    );
  });
});

describe('sessions', () => {
  test('neither share rules nor recordings', async () => {
    const sessions = await Promise.all(
      Array.from({ length: 20 }, () => Session.open(program.control, { mode: 'capture' })),
    );
    const mockOf = (index: number): Rule => ({
      when: { path: '/who' },
      then: { action: 'mock', response: { body: `answer ${index}` } },
    });
    await Promise.all(sessions.map((session, index) => session.setRules([mockOf(index)])));
    const bodies = await Promise.all(
      sessions.map(async (session) =>
        (await answered(egress(session), request('GET', '/who'))).body.toString(),
      ),
    );
    assert.deepEqual(
      bodies,
      sessions.map((_, index) => `answer ${index}`),
    );
    const documents = await Promise.all(sessions.map((session) => session.closeToCase()));
    const recorded = documents.map((document) =>
      spansOf(document).map((span) => attribute(span, 'http.response.body')),
    );
    assert.deepEqual(
      recorded,
      sessions.map((_, index) => [`answer ${index}`]),
    );
  });

  test('that are not open, or not any more, are no sessions: the request passes untouched', async () => {
    const closed = await replaying({ policy: { externalHttp: 'strict', internalHttp: 'strict' } });
    await closed.close();
    for (const id of [closed.id, 'sess_unknown', 'a b;c', '%00', 'x'.repeat(3000)]) {
      const route: Route = egress(new Session(program.control, id));
      const seen = origin.next(FORWARDED.response);
      const answer = await send(FORWARDED, route, origin);
      assert.equal(answer.body.toString(), 'real');
      assert.deepEqual(outcomeOf(answer), [200, undefined, undefined]);
      assert.deepEqual(fields(await seen, 'traceparent'), []);
      assert.deepEqual(fields(await seen, 'x-softprobe-session-id'), []);
    }
  });
});
