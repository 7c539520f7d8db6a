import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileWhen, type Hop, InvalidDocumentError, type Rule, type When } from '../../src/cases/index.ts';
import type { Decision } from '../../src/runtime/decision.ts';
import { Rulebook } from '../../src/runtime/rulebook.ts';
import { exampleHop } from '../support/example-hop.ts';
import { arbitraryHop, arbitraryRule, labelled } from './support/arbitrary-rules.ts';

function mock(id: string, when: When, more: Partial<Rule> = {}): Rule {
  return { id, when, then: { action: 'mock', response: { body: id } }, ...more };
}

function rulebook(sessionRules: readonly Rule[], caseRules: readonly Rule[] = []): Rulebook {
  const book = new Rulebook();
  book.setSessionRules(sessionRules);
  book.setCaseRules(caseRules);
  return book;
}

/** What decided: a rule's label, `miss`, or `need-body`. */
function decidedBy(decision: Decision): string {
  return decision.kind === 'need-body' ? decision.kind : (decision.rule ?? 'miss');
}

describe('the winner', () => {
  it('is the rule with the highest priority, wherever it stands', () => {
    const book = rulebook([
      mock('low', {}, { priority: -1 }),
      mock('high', { path: '/v1/charges' }, { priority: 5 }),
      mock('mid', {}, { priority: 1 }),
    ]);
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'high');
    assert.equal(decidedBy(book.decide(exampleHop({ path: '/other' }), false)), 'mid');
  });

  it('is of the session before the case, on a tie', () => {
    const book = rulebook([mock('session', {})], [mock('case', { path: '/v1/charges' })]);
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'session');
  });

  it('is of the case where that has the higher priority', () => {
    const book = rulebook([mock('session', {})], [mock('case', {}, { priority: 1 })]);
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'case');
  });

  it('is the later entry of a layer, on a tie', () => {
    const book = rulebook([
      mock('first', { path: '/v1/charges' }),
      mock('second', {}),
      mock('third', { host: 'elsewhere.com' }),
    ]);
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'second');
  });

  const rank = (rule: Rule, layer: number, position: number) =>
    [rule.priority ?? 0, layer, position] as const;
  const byRank = (left: readonly number[], right: readonly number[]): number => {
    const index = left.findIndex((value, at) => value !== right[at]);
    return (right[index] ?? 0) - (left[index] ?? 0);
  };

  it('is the one that a walk over all rules finds, for random rules and hops', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryRule, { maxLength: 12 }),
        fc.array(arbitraryRule, { maxLength: 12 }),
        fc.array(arbitraryHop, { minLength: 1, maxLength: 12 }),
        (session, inCase, hops) => {
          const sessionRules = labelled(session, 's');
          const caseRules = labelled(inCase, 'c');
          const book = rulebook(sessionRules, caseRules);
          const walk = [
            ...sessionRules.map((rule, index) => ({ rule, rank: rank(rule, 1, index) })),
            ...caseRules.map((rule, index) => ({ rule, rank: rank(rule, 0, index) })),
          ]
            .sort((left, right) => byRank(left.rank, right.rank))
            .map(({ rule }) => ({ rule, compiled: compileWhen(rule.when) }));
          const spent = new Set<string>();
          const servedTo = ({ id, consumeScope }: Rule, { traceId }: Hop) =>
            consumeScope === 'trace' ? `${id} ${traceId}` : `${id}`;
          for (const { hop, body } of hops) {
            const couldWin = walk.find(
              ({ rule, compiled }) =>
                !spent.has(servedTo(rule, hop)) &&
                compiled.predicates.every((predicate) => predicate.readsBody || predicate.matches(hop)),
            );
            const asked = book.decide(hop, false);
            assert.equal(asked.kind === 'need-body', couldWin?.compiled.readsBody === true);
            hop.body = body;
            const decision = asked.kind === 'need-body' ? book.decide(hop, false) : asked;
            const winner = walk.find(
              ({ rule, compiled }) => !spent.has(servedTo(rule, hop)) && compiled.matches(hop),
            );
            assert.equal(decidedBy(decision), winner?.rule.id ?? 'miss');
            if (winner?.rule.consume === 'once') spent.add(servedTo(winner.rule, hop));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('consume: once', () => {
  it('serves each of 10,000 rules for the same request exactly once, the last entry first', () => {
    const rules = Array.from({ length: 10_000 }, (_, index) =>
      mock(String(index), { path: '/v1/charges' }, { consume: 'once' }),
    );
    const book = rulebook(rules);
    const served = rules.map(() => decidedBy(book.decide(exampleHop(), false)));
    assert.deepEqual(served, rules.map(({ id }) => id).reverse());
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'miss');
  });

  it('counts served requests, not questions', () => {
    const book = rulebook([mock('once', { bodyJsonPath: '$.a' }, { consume: 'once' })]);
    const hop = exampleHop();
    assert.equal(book.decide(hop, false).kind, 'need-body');
    assert.equal(book.decide(hop, false).kind, 'need-body');
    assert.equal(decidedBy(book.decide(exampleHop({ body: '{"b":1}' }), false)), 'miss');
    assert.equal(decidedBy(book.decide(exampleHop({ body: '{"a":1}' }), false)), 'once');
    assert.equal(decidedBy(book.decide(exampleHop({ body: '{"a":1}' }), false)), 'miss');
  });

  it('does not count a deprecated replay rule while the policy still waits for the body', () => {
    const book = rulebook([{ id: 'old', consume: 'once', when: {}, then: { action: 'replay' } }]);
    book.setPolicy({ externalHttp: 'strict' });
    assert.equal(book.decide(exampleHop(), false).kind, 'need-body');
    book.setSessionRules([
      { id: 'old', consume: 'once', priority: 1, when: {}, then: { action: 'replay' } },
      mock('under', {}),
    ]);
    assert.equal(book.decide(exampleHop(), false).kind, 'need-body');
    const refused = book.decide(exampleHop({ body: '' }), false);
    assert.equal(refused.kind === 'respond' && refused.outcome, 'strict-miss');
    assert.equal(decidedBy(book.decide(exampleHop({ body: '' }), false)), 'under');
  });

  it('survives the replacement of the other layer, and starts again with its own', () => {
    const rule = mock('case', {}, { consume: 'once' });
    const book = rulebook([], [rule]);
    book.decide(exampleHop(), false);
    book.setSessionRules([mock('elsewhere', { path: '/elsewhere' })]);
    book.setPolicy({});
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'miss');
    book.setCaseRules([rule]);
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'case');
  });
});

describe('need-body', () => {
  const onBody = mock('on body', { bodyJsonPath: '$.a' });

  it('is not asked for where a rule of higher rank matches without it', () => {
    const book = rulebook([onBody, mock('above', {}, { priority: 1 })]);
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'above');
  });

  it('is not asked for where the rule fails already for another reason', () => {
    const book = rulebook([
      mock('on body', { bodyJsonPath: '$.a', method: 'PUT' }),
      mock('below', {}, { priority: -1 }),
    ]);
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'below');
  });

  it('lets the next rule win once the body turns out to be too large', () => {
    const book = rulebook([mock('below', {}), onBody]);
    assert.equal(book.decide(exampleHop(), false).kind, 'need-body');
    assert.equal(decidedBy(book.decide(exampleHop({ body: null }), false)), 'below');
  });
});

describe('actions', () => {
  it('mock answers with the prepared response, its label and its latency', () => {
    const book = rulebook([
      {
        name: 'charge',
        when: {},
        then: { action: 'mock', response: { status: 201, body: { ok: true }, latencyMs: 30 } },
      },
    ]);
    const decision = book.decide(exampleHop(), false);
    assert.ok(decision.kind === 'respond');
    assert.equal(decision.outcome, 'mock');
    assert.equal(decision.rule, 'charge');
    assert.equal(decision.latencyMs, 30);
    assert.equal(decision.response.status, 201);
    assert.equal(Buffer.from(decision.response.body).toString(), '{"ok":true}');
    assert.deepEqual(decision.response.wireHeaders.slice(-4), [
      'x-softprobe-outcome',
      'mock',
      'x-softprobe-rule',
      'charge',
    ]);
  });

  it('error answers with its status', () => {
    const decision = rulebook([
      { id: 'down', when: {}, then: { action: 'error', error: { status: 503, body: 'down' } } },
    ]).decide(exampleHop(), false);
    assert.ok(decision.kind === 'respond');
    assert.equal(decision.outcome, 'error');
    assert.equal(decision.response.status, 503);
  });

  it('passthrough forwards and records only what the session records', () => {
    const book = rulebook([{ id: 'through', when: {}, then: { action: 'passthrough' } }]);
    assert.deepEqual(book.decide(exampleHop(), false), {
      kind: 'forward',
      rule: 'through',
      record: false,
      redaction: undefined,
    });
    assert.deepEqual(book.decide(exampleHop(), true), {
      kind: 'forward',
      rule: 'through',
      record: true,
      redaction: undefined,
    });
  });

  it('capture_only forwards and always records, with its redaction', () => {
    const book = rulebook([
      {
        id: 'keep',
        when: {},
        then: {
          action: 'capture_only',
          captureOnly: { redactHeaders: ['X-Secret'], redactBodyPaths: ['$.pin'] },
        },
      },
    ]);
    assert.deepEqual(book.decide(exampleHop(), false), {
      kind: 'forward',
      rule: 'keep',
      record: true,
      redaction: { headers: ['x-secret'], bodyPaths: ['$.pin'] },
    });
  });

  it('replay is a miss and warns', () => {
    const book = new Rulebook();
    const warnings = book.setSessionRules([{ id: 'old', when: {}, then: { action: 'replay' } }]);
    assert.match(warnings.join(), /rule "old": .*deprecated/);
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'miss');
  });

  it('names a rule without a label by its place', () => {
    assert.equal(
      decidedBy(rulebook([{ when: {}, then: { action: 'passthrough' } }]).decide(exampleHop(), false)),
      'rules/0',
    );
  });

  it('records an answered hop only in a session that records', () => {
    const book = rulebook([mock('m', {})]);
    const record = (recording: boolean) => {
      const decision = book.decide(exampleHop(), recording);
      return decision.kind === 'respond' && decision.record;
    };
    assert.deepEqual([record(true), record(false)], [true, false]);
  });
});

describe('setting rules', () => {
  it('names every mistake of a document with its pointer, and changes nothing', () => {
    const book = rulebook([mock('stays', {}, { consume: 'once' })]);
    const wrong: Rule[] = [
      mock('fine', {}),
      mock('pattern', { headerMatch: { 'x-a': '(' } }),
      { when: {}, then: { action: 'mock', response: { headers: { 'x-b': 'a\r\nb' } } } },
      { when: {}, then: { action: 'error', error: { status: 500, headers: { 'no name': 'x' } } } },
      {
        when: { host: 'a/b' },
        then: { action: 'capture_only', captureOnly: { redactBodyPaths: ['$.a', '$['] } },
      },
    ];
    assert.throws(
      () => book.setSessionRules(wrong),
      (error) => {
        assert.ok(error instanceof InvalidDocumentError);
        assert.equal(error.document, 'rules');
        assert.deepEqual(
          error.issues.map(({ pointer }) => pointer),
          [
            '/rules/1/when/headerMatch/x-a',
            '/rules/2/then/response/headers/x-b',
            '/rules/3/then/error/headers/no name',
            '/rules/4/when/host',
            '/rules/4/then/captureOnly/redactBodyPaths/1',
          ],
        );
        return true;
      },
    );
    assert.equal(decidedBy(book.decide(exampleHop(), false)), 'stays');
  });

  it('blames the case for the rules of the case', () => {
    assert.throws(
      () => new Rulebook().setCaseRules([mock('x', { bodyJsonPath: 'nope' })]),
      (error) => error instanceof InvalidDocumentError && error.document === 'case',
    );
  });

  it('stops listing mistakes where nobody would read on', () => {
    const rules = Array.from({ length: 1000 }, () => mock('x', { headerMatch: { a: '(' } }));
    assert.throws(
      () => new Rulebook().setSessionRules(rules),
      (error) => error instanceof InvalidDocumentError && error.issues.length === 20,
    );
  });

  it('warns of parts that have no effect', () => {
    const warnings = new Rulebook().setSessionRules([
      { id: 'a', when: { path: 'v1' }, then: { action: 'passthrough', response: {} } },
      mock('b', { pathPrefix: '/', path: '*' }, { consumeScope: 'trace' }),
    ]);
    assert.deepEqual(
      warnings.map((text) => /^rule "a"/.test(text)),
      [true, true, false],
    );
    assert.match(warnings.join('\n'), /rule "b": "consumeScope" has no effect/);
    assert.match(warnings.join('\n'), /"response" has no effect/);
    assert.match(warnings.join('\n'), /"path" does not begin with/);
  });
});

describe('decide', () => {
  it('gives no rule the benefit of a predicate that fails by an exception', () => {
    const nodes = JSON.stringify(Array.from({ length: 5000 }, () => [1]));
    const book = rulebook([mock('below', {}), mock('endless', { bodyJsonPath: '$..[?count($..*) == 0]' })]);
    assert.equal(decidedBy(book.decide(exampleHop({ body: nodes }), false)), 'below');
  });

  it('forwards without a rule or policy, and records what the session records', () => {
    const book = new Rulebook();
    assert.deepEqual(book.decide(exampleHop(), true), {
      kind: 'forward',
      rule: undefined,
      record: true,
      redaction: undefined,
    });
    assert.deepEqual(book.decide(exampleHop(), false), {
      kind: 'forward',
      rule: undefined,
      record: false,
      redaction: undefined,
    });
  });
});
