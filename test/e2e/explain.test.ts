import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Policy, Rule } from '../../src/cases/documents.generated.ts';
import { Session } from './support/control-client.ts';
import { callThrough } from './support/egress-call.ts';
import { field } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

const STRICT: Policy = { externalHttp: 'strict', internalHttp: 'strict' };

/** A mock of `/orders/7` with a typing error, between rules that are further off. */
const RULES: readonly Rule[] = [
  {
    id: 'another host and method',
    priority: 5,
    when: { direction: 'outbound', host: 'api.example.com', method: 'POST', path: '/charges' },
    then: { action: 'mock', response: { status: 201 } },
  },
  {
    id: 'order',
    when: { direction: 'outbound', method: 'GET', path: '/order/7' },
    then: { action: 'mock', response: { body: { order: 7 } } },
  },
  {
    id: 'what comes in',
    when: { direction: 'inbound', method: 'DELETE', path: '/else' },
    then: { action: 'error', error: { status: 500 } },
  },
];

interface Finding {
  readonly key: string;
  readonly held?: boolean;
  readonly expected: unknown;
  readonly actual: unknown;
}

interface NearMiss {
  readonly rule: string;
  readonly failed: readonly Finding[];
}

interface Explained {
  readonly decision: Record<string, unknown> & { reason: string };
  readonly rules: readonly {
    readonly rule: string;
    readonly matches: boolean;
    readonly won?: boolean;
    readonly spent?: boolean;
    readonly predicates: readonly Finding[];
  }[];
}

async function replaying(rules: readonly Rule[], policy: Policy = STRICT): Promise<Session> {
  const session = await Session.open(program.control, { mode: 'replay', policy });
  await session.setRules(rules);
  return session;
}

function call(session: Session, path: string, ...lines: string[]) {
  return callThrough(program.egress, origin, [`x-softprobe-session-id: ${session.id}`, ...lines], path);
}

async function explain(session: Session, path: string, more: Record<string, unknown> = {}) {
  const hop = { direction: 'outbound', method: 'GET', url: `${origin.url}${path}`, ...more };
  return (await session.explain(hop)) as unknown as Explained;
}

describe('a mock whose path is nearly right', () => {
  test('is named by the strict miss, with the predicate that failed', async () => {
    const session = await replaying(RULES);
    const { answer, seen } = await call(session, '/orders/7');
    assert.deepEqual([answer.status, seen], [599, undefined]);
    const { nearMisses } = JSON.parse(answer.body.toString()) as { nearMisses: NearMiss[] };
    expectNearest(nearMisses);
    await session.close();
  });

  test('is named in the same way by the misses, the stats and an explanation', async () => {
    const session = await replaying(RULES);
    const { answer } = await call(session, '/orders/7?expand=1');
    const body = JSON.parse(answer.body.toString()) as { nearMisses: NearMiss[]; requestFingerprint: string };
    const { total, misses } = (await session.misses()) as {
      total: number;
      misses: {
        request: Record<string, string>;
        requestFingerprint: string;
        nearMisses: NearMiss[];
      }[];
    };
    assert.deepEqual([total, misses.length], [1, 1]);
    assert.deepEqual(misses[0]?.request, {
      method: 'GET',
      host: origin.authority,
      path: '/orders/7',
      url: `${origin.url}/orders/7?expand=1`,
    });
    assert.equal(misses[0]?.requestFingerprint, body.requestFingerprint);
    assert.deepEqual(misses[0]?.nearMisses, body.nearMisses);
    const { lastStrictMiss } = (await session.stats()) as { lastStrictMiss: { nearMisses: NearMiss[] } };
    assert.deepEqual(lastStrictMiss.nearMisses, body.nearMisses);
    const { rules } = await explain(session, '/orders/7?expand=1');
    assert.deepEqual(
      rules.map(({ rule, predicates }) => ({ rule, failed: failedOf(predicates) })),
      body.nearMisses.map(({ rule, failed }) => ({ rule, failed: failedOf(failed) })),
    );
    await session.close();
  });

  test('hits when the suggested rule is posted', async () => {
    const session = await replaying(RULES);
    await call(session, '/orders/7?expand=1');
    const { misses } = (await session.misses()) as { misses: { suggestedRule: Rule }[] };
    const suggested = misses[0]?.suggestedRule;
    assert.ok(suggested !== undefined);
    await session.setRules([...RULES, suggested]);
    const { answer } = await call(session, '/orders/7?expand=1');
    assert.deepEqual([answer.status, field(answer, 'x-softprobe-outcome')], [200, 'mock']);
    // It asks for this very call and no other.
    for (const other of ['/orders/7', '/orders/8?expand=1']) {
      assert.equal((await call(session, other)).answer.status, 599);
    }
    await session.close();
  });
});

describe('an explanation', () => {
  test('tells of every rule which predicates held and which did not, the closest first', async () => {
    const session = await replaying(RULES);
    const { decision, rules } = await explain(session, '/orders/7');
    assert.equal(decision.outcome, 'strict-miss');
    assert.equal(decision.status, 599);
    assert.match(decision.reason, /internalHttp/);
    assert.deepEqual(
      rules.map(({ rule, matches }) => [rule, matches]),
      [
        ['order', false],
        ['another host and method', false],
        ['what comes in', false],
      ],
    );
    assert.deepEqual(
      rules[0]?.predicates.map(({ key, held, expected, actual }) => ({ key, held, expected, actual })),
      [
        { key: 'direction', held: true, expected: 'outbound', actual: 'outbound' },
        { key: 'method', held: true, expected: 'GET', actual: 'GET' },
        { key: 'path', held: false, expected: '/order/7', actual: '/orders/7' },
      ],
    );
    await session.close();
  });

  test('says what the next call gets, whatever that is, and takes nothing', async () => {
    const session = await replaying([
      { id: 'once', consume: 'once', when: { path: '/value' }, then: { action: 'mock', response: {} } },
      { id: 'let go', when: { path: '/open' }, then: { action: 'passthrough' } },
      { id: 'fail', when: { path: '/down' }, then: { action: 'error', error: { status: 503 } } },
    ]);
    for (const path of ['/value', '/value', '/open', '/down', '/none']) {
      const before = await session.stats();
      const { decision, rules } = await explain(session, path);
      assert.deepEqual(await explain(session, path), { ...(await explain(session, path)) });
      assert.deepEqual(await session.stats(), before);
      const { answer } = await call(session, path);
      assert.equal(decision.outcome, field(answer, 'x-softprobe-outcome'), path);
      assert.equal(decision.rule, field(answer, 'x-softprobe-rule'), path);
      assert.equal(rules.find(({ won }) => won)?.rule, field(answer, 'x-softprobe-rule'), path);
    }
    const { rules } = await explain(session, '/value');
    assert.equal(rules.find(({ rule }) => rule === 'once')?.spent, true);
    await session.close();
  });

  test('looks at headers and body, and shows no secret', async () => {
    const session = await replaying([
      {
        id: 'order',
        when: {
          headers: { authorization: 'Bearer right', 'x-tenant': 'one' },
          bodyJsonPathEquals: { '$.user.id': 7 },
        },
        then: { action: 'mock', response: {} },
      },
    ]);
    const { rules } = await explain(session, '/orders', {
      method: 'POST',
      headers: { Authorization: 'Bearer hunter2', 'X-Tenant': ['one'] },
      body: { user: { id: 8 } },
    });
    assert.ok(!JSON.stringify(rules).includes('hunter2'));
    const failed = rules[0]?.predicates.filter(({ held }) => held === false) ?? [];
    assert.equal(failed.length, 2, JSON.stringify(rules));
    assert.ok(failed.some(({ expected }) => JSON.stringify(expected).includes('7')));
    await session.close();
  });

  test('of what is no hop is refused with a pointer to what is wrong', async () => {
    const session = await replaying([]);
    const refusals: [hop: Record<string, unknown>, pointer: string][] = [
      [{ direction: 'sideways', method: 'GET', url: 'http://a/' }, '/direction'],
      [{ direction: 'outbound', method: 'GET', url: '/only/a/path' }, '/url'],
      [{ direction: 'outbound', method: 'GET', url: 'http://a/', heders: {} }, 'headers'],
    ];
    for (const [hop, pointer] of refusals) {
      await assert.rejects(session.explain(hop), ({ message }: Error) => {
        assert.match(message, /answered 400/);
        assert.ok(message.includes(pointer), message);
        return true;
      });
    }
    await session.close();
  });
});

function failedOf(findings: readonly Finding[]) {
  return findings
    .filter(({ held }) => held !== true)
    .map(({ key, expected, actual }) => ({ key, expected, actual }));
}

function expectNearest(nearMisses: readonly NearMiss[]) {
  assert.equal(nearMisses.length, 3);
  assert.equal(nearMisses[0]?.rule, 'order');
  assert.deepEqual(failedOf(nearMisses[0]?.failed ?? []), [
    { key: 'path', expected: '/order/7', actual: '/orders/7' },
  ]);
}
