import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type CaseDocument, CaseLookupError, ruleFromHit, serializeCase } from '../../src/cases/index.ts';
import {
  CaseLoadError,
  RuntimeError,
  Softprobe,
  type SoftprobeSession,
  UnknownSessionError,
} from '../../src/client/index.ts';
import { SoftprobeError } from '../../src/index.ts';
import { beginExchange, endExchange } from '../runtime/support/exchange.ts';
import { type RuntimeServer, startRuntime } from '../runtime/support/runtime-server.ts';
import { answerTo, caseWith } from './support/recording.ts';

interface Stage {
  readonly server: RuntimeServer;
  readonly softprobe: Softprobe;
  readonly session: SoftprobeSession;
  /** What the session answers to an outbound GET. */
  answer(path: string): string;
}

async function setStage(context: TestContext): Promise<Stage> {
  const server = await startRuntime(context);
  const softprobe = new Softprobe({ baseUrl: server.url });
  const session = await softprobe.startSession({ mode: 'replay', policy: { offline: true } });
  return { server, softprobe, session, answer: (path) => answerTo(server.runtime, session.id, path) };
}

const mock = (path: string, body: string) => ({ path, response: { body } });

describe('mocks', () => {
  test('answer outbound requests from the moment on when their promise resolves', async (context) => {
    const { session, answer } = await setStage(context);
    assert.equal(answer('/a'), 'strict-miss 599');
    const applied = await session.mockOutbound({ method: 'GET', hostSuffix: 'example', ...mock('/a', 'A') });
    assert.deepEqual([applied.ruleCount, applied.sessionRevision], [1, 1]);
    assert.equal(answer('/a'), 'A');
  });

  test('add up, and the later one wins', async (context) => {
    const { session, answer } = await setStage(context);
    await session.mockOutbound(mock('/a', 'A'));
    await session.mockOutbound(mock('/b', 'B'));
    await session.mockOutbound(mock('/a', 'A2'));
    assert.deepEqual([answer('/a'), answer('/b')], ['A2', 'B']);
  });

  test('that are set at the same time do not get lost', async (context) => {
    const { session, answer } = await setStage(context);
    const paths = Array.from({ length: 20 }, (_, index) => `/${index}`);
    await Promise.all(paths.map((path) => session.mockOutbound(mock(path, path))));
    assert.deepEqual(paths.map(answer), paths);
  });

  test('can fail, let through, take time, and serve once', async (context) => {
    const { session, server, answer } = await setStage(context);
    await session.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
    await session.mockOutbound({ path: '/error', error: { status: 503, body: { busy: true } } });
    await session.mockOutbound({ path: '/out', passthrough: true });
    await session.mockOutbound({
      path: '/slow',
      latencyMs: 40,
      response: { status: 201 },
      id: 'slow',
      priority: 2,
    });
    await session.mockOutbound({ ...mock('/once', 'once'), consume: 'once', consumeScope: 'session' });
    assert.deepEqual(['/error', '/out', '/once', '/once'].map(answer), [
      'error 503',
      'forward',
      'once',
      'strict-miss 599',
    ]);
    const { json } = await server.call('GET', `/v1/sessions/${session.id}/state`);
    assert.deepEqual(json.rules[2], {
      id: 'slow',
      priority: 2,
      when: { direction: 'outbound', path: '/slow' },
      then: { action: 'mock', response: { status: 201, latencyMs: 40 } },
    });
  });

  test('must say what to answer, and once only', async (context) => {
    const { session } = await setStage(context);
    const rejects = (given: object, message: RegExp) =>
      assert.rejects(session.mockOutbound(given as never), { name: 'TypeError', message });
    await rejects({ path: '/a' }, /needs one of response, error and passthrough: true; got none/);
    await rejects({ response: {}, error: {} }, /got response and error/);
    await rejects({ error: {}, latencyMs: 1 }, /latencyMs goes with response, not with error/);
  });

  test('that the runtime refuses leave the others as they were', async (context) => {
    const { session, answer } = await setStage(context);
    await session.mockOutbound(mock('/a', 'A'));
    const refused = session.mockOutbound({ headerMatch: { 'x-a': '(' }, response: {} });
    const next = session.mockOutbound(mock('/b', 'B'));
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof RuntimeError);
      assert.deepEqual([error.status, error.code], [400, 'invalid_request']);
      assert.match(
        error.message,
        /^POST \/v1\/sessions\/\{id\}\/rules answered 400 .*\/rules\/1\/when\/headerMatch\/x-a/,
      );
      assert.ok(!error.message.includes(session.id), 'the session id is a secret');
      return true;
    });
    assert.equal((await next).ruleCount, 2);
    assert.deepEqual([answer('/a'), answer('/b')], ['A', 'B']);
  });

  test('are taken back by clearRules', async (context) => {
    const { session, answer } = await setStage(context);
    await session.loadCase(
      caseWith([['/a', 'recorded']], [{ when: { path: '/c' }, then: { action: 'passthrough' } }]),
    );
    await session.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
    await session.mockFromCase();
    await session.mockOutbound(mock('/b', 'B'));
    await session.clearRules();
    assert.deepEqual(['/a', '/b', '/c'].map(answer), ['strict-miss 599', 'strict-miss 599', 'forward']);
  });

  test('of an attached session add to those that are there', async (context) => {
    const { session, softprobe, answer } = await setStage(context);
    await session.mockOutbound(mock('/a', 'A'));
    const attached = softprobe.attach(session.id);
    await Promise.all([attached.mockOutbound(mock('/b', 'B')), attached.mockOutbound(mock('/c', 'C'))]);
    assert.deepEqual(['/a', '/b', '/c'].map(answer), ['A', 'B', 'C']);
  });
});

describe('a case', () => {
  const recorded = [
    ['/a', '1'],
    ['/a', '2'],
    ['/b', 'B'],
  ] as const;

  test('is loaded from a file and searched in memory', async (context) => {
    const { session, server } = await setStage(context);
    const folder = await mkdtemp(join(tmpdir(), 'softprobe-client-'));
    context.after(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'shop.case.json');
    await writeFile(file, serializeCase(caseWith(recorded)));
    const { caseId, traceCount } = await session.loadCaseFromFile(file);
    assert.deepEqual([caseId, traceCount], ['shop', 3]);
    assert.equal(session.findInCase({ path: '/b' }).response.body, 'B');
    assert.equal(session.findAllInCase({ path: '/a' }).length, 2);
    const { json } = await server.call('GET', `/v1/sessions/${session.id}/state`);
    assert.deepEqual(json.caseSummary, { caseId: 'shop', traceCount: 3 });
  });

  test('lookups that find too little or too much list what there is', async (context) => {
    const { session } = await setStage(context);
    await session.loadCase(caseWith(recorded));
    assert.throws(
      () => session.findInCase({ path: '/a' }),
      (error) =>
        error instanceof CaseLookupError && error instanceof SoftprobeError && error.matches.length === 2,
    );
    assert.throws(() => session.findAllInCase({ path: '/none' }), /no hop has path "\/none"/);
  });

  test('must be loaded before it is searched', async (context) => {
    const { session } = await setStage(context);
    const message = /await session.loadCaseFromFile\(path\)/;
    assert.throws(() => session.findInCase({}), { name: 'SoftprobeError', message });
    await assert.rejects(session.mockFromCase(), { name: 'SoftprobeError', message });
  });

  test('that cannot be loaded is told with its path and the mistake', async (context) => {
    const { session } = await setStage(context);
    await assert.rejects(session.loadCaseFromFile('/no/such.case.json'), (error) => {
      assert.ok(error instanceof CaseLoadError);
      assert.equal(error.path, '/no/such.case.json');
      assert.match(error.message, /there is no case file \/no\/such\.case\.json; .*capture/);
      return true;
    });
    await assert.rejects(session.loadCase({ caseId: 'x' } as unknown as CaseDocument), (error) => {
      assert.ok(error instanceof CaseLoadError);
      assert.equal(error.path, undefined);
      assert.match(error.message, /the key "version" is missing/);
      return true;
    });
  });

  test('a hop that was found can be changed and mocked', async (context) => {
    const { session, answer } = await setStage(context);
    await session.loadCase(caseWith(recorded));
    const hit = session.findInCase({ path: '/b' });
    hit.response.body = 'changed';
    await session.mockOutbound({ path: '/x', response: hit.response });
    await session.mockOutbound(ruleFromHit(hit));
    assert.deepEqual([answer('/x'), answer('/b')], ['changed', 'changed']);
  });

  test('is mocked as a whole, in order', async (context) => {
    const { session, answer } = await setStage(context);
    await session.loadCase(caseWith(recorded));
    assert.deepEqual(await session.mockFromCase(), { ruleCount: 3, skipped: [] });
    assert.deepEqual(['/a', '/b', '/a', '/a', '/c'].map(answer), ['1', 'B', '2', '2', 'strict-miss 599']);
  });

  test('a mock that is set meanwhile goes first and does not start the sequence again', async (context) => {
    const { session, answer } = await setStage(context);
    await session.mockOutbound(mock('/b', 'mine'));
    await session.loadCase(caseWith(recorded));
    await session.mockFromCase();
    assert.equal(answer('/a'), '1');
    await session.mockOutbound(mock('/c', 'C'));
    assert.deepEqual(['/a', '/b', '/c'].map(answer), ['2', 'mine', 'C']);
  });

  test('takes the place of the one before, with what was mocked from that', async (context) => {
    const { session, answer } = await setStage(context);
    await session.loadCase(caseWith([['/a', 'old']]));
    await session.mockFromCase();
    await session.loadCase(caseWith([['/b', 'new']]));
    assert.equal(answer('/a'), 'strict-miss 599');
    await session.mockFromCase();
    assert.deepEqual([answer('/a'), answer('/b')], ['strict-miss 599', 'new']);
  });

  test('is mocked in parts', async (context) => {
    const { session, server, answer } = await setStage(context);
    await session.loadCase(caseWith(recorded));
    assert.equal((await session.mockFromCase({ path: '/b' })).ruleCount, 1);
    assert.deepEqual([answer('/a'), answer('/b')], ['strict-miss 599', 'B']);
    await session.mockFromCase({ path: '/a' });
    assert.deepEqual([answer('/a'), answer('/b')], ['1', 'B']);
    await assert.rejects(session.mockFromCase({ path: '/none' }), CaseLookupError);
    const { json } = await server.call('GET', `/v1/sessions/${session.id}/state`);
    assert.equal(json.caseSummary.traceCount, 3);
  });
});

describe('what happened', () => {
  test('is told by stats, misses and explain', async (context) => {
    const { session, answer } = await setStage(context);
    await session.mockOutbound({ name: 'stock', ...mock('/items/7', '{}') });
    answer('/items/7');
    answer('/items/8');
    const { injectedSpans, strictMisses, forwardedOutbound } = await session.stats();
    assert.deepEqual([injectedSpans, strictMisses, forwardedOutbound], [1, 1, 0]);
    const [miss, ...more] = await session.misses();
    assert.deepEqual([miss?.request.path, miss?.nearMisses[0]?.rule, more.length], ['/items/8', 'stock', 0]);
    const { decision } = await session.explain({ url: 'http://stock.example:8090/items/7' });
    assert.deepEqual([decision.outcome, decision.rule], ['mock', 'stock']);
    assert.equal((await session.stats()).injectedSpans, 1, 'explaining counts nothing');
  });

  test('fixtures are handed over', async (context) => {
    const { session, server } = await setStage(context);
    await session.setAuthFixtures({ tokens: { api: 'secret' } });
    const { json } = await server.call('GET', `/v1/sessions/${session.id}/state`);
    assert.deepEqual(json.fixtures, { tokens: { api: '***' } });
  });
});

describe('the end of a session', () => {
  test('a capture is written where `out` says, once', async (context) => {
    const { softprobe, server } = await setStage(context);
    const session = await softprobe.startSession({ mode: 'capture' });
    const ticket = server.runtime.findSession(session.id) ?? assert.fail();
    const exchange = beginExchange({ sessionId: session.id });
    server.runtime.begin(ticket, exchange);
    server.runtime.finish(ticket, endExchange(exchange));
    const closed = await session.close({ out: 'shop.case.json' });
    assert.equal(closed.capturePath, join(server.captureDir, 'shop.case.json'));
    assert.equal(closed.stats.extractedSpans, 1);
    assert.equal(await session.close(), closed);
  });

  test('waits for changes that are under way', async (context) => {
    const { session } = await setStage(context);
    const [applied] = await Promise.all([session.mockOutbound(mock('/a', 'A')), session.close()]);
    assert.equal(applied.ruleCount, 1);
  });

  test('every later call says so', async (context) => {
    const { session } = await setStage(context);
    await session.close();
    const calls = [
      () => session.mockOutbound(mock('/a', 'A')),
      () => session.clearRules(),
      () => session.setPolicy({}),
      () => session.setAuthFixtures({}),
      () => session.stats(),
      () => session.misses(),
      () => session.explain({ url: 'http://a/' }),
      () => session.loadCase(caseWith([])),
    ];
    for (const call of calls) {
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof UnknownSessionError && error instanceof SoftprobeError);
        assert.equal(error.sessionId, session.id);
        assert.match(error.message, /was closed by this session object: start another one/);
        assert.ok(!error.message.includes(session.id));
        return true;
      });
    }
  });

  test('a close that failed can be made again', async (context) => {
    const { session } = await setStage(context);
    await assert.rejects(session.close({ out: '../elsewhere' }), RuntimeError);
    assert.equal((await session.close()).closed, true);
  });

  test('a block closes what it started, also where it is gone already, and nothing else', async (context) => {
    const { session, softprobe, server } = await setStage(context);
    let own = '';
    {
      await using started = await softprobe.startSession({ mode: 'replay' });
      await using gone = await softprobe.startSession({ mode: 'replay' });
      await using attached = softprobe.attach(session.id);
      await server.runtime.close(gone.id);
      assert.equal((await attached.stats()).strictMisses, 0);
      own = started.id;
    }
    assert.equal(server.runtime.findSession(own), undefined);
    assert.notEqual(server.runtime.findSession(session.id), undefined);
  });

  test('a session that is not open in the runtime is unknown', async (context) => {
    const { softprobe } = await setStage(context);
    const session = softprobe.attach('sess_none');
    await assert.rejects(session.stats(), UnknownSessionError);
    await assert.rejects(session.mockOutbound(mock('/a', 'A')), UnknownSessionError);
    await assert.rejects(session.close(), UnknownSessionError);
  });
});

test('the header of a test is the id of the session', () => {
  assert.deepEqual(new Softprobe().attach('sess_1').headers(), { 'x-softprobe-session-id': 'sess_1' });
});
