import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileWhen, type Hop, type Policy, type Rule, type When } from '../../src/cases/index.ts';
import type { Decision } from '../../src/runtime/decision.ts';
import { Rulebook } from '../../src/runtime/rulebook.ts';
import { exampleHop } from '../support/example-hop.ts';
import {
  arbitraryHop,
  arbitraryPolicy,
  arbitraryRuleOfAnyAction,
  labelled,
} from './support/arbitrary-rules.ts';

const answers = { action: 'mock', response: { status: 201 } } as const;

function explain(rules: readonly Rule[], hop: Hop = exampleHop({ body: '' }), policy?: Policy) {
  const book = new Rulebook();
  book.setSessionRules(rules);
  book.setPolicy(policy);
  return book.explain(hop, false);
}

/** The one predicate of a rule. */
function explainOne(when: When, hop?: Hop) {
  const [rule] = explain([{ when, then: answers }], hop).rules;
  assert.equal(rule?.predicates.length, 1);
  return rule?.predicates[0];
}

/** A decision in the words of an explanation. */
function summaryOf(decision: Decision) {
  if (decision.kind === 'need-body') return { kind: decision.kind };
  const { kind, rule } = decision;
  return {
    kind,
    outcome: kind === 'respond' ? decision.outcome : kind,
    ...(rule !== undefined && { rule }),
    ...(kind === 'respond' && { status: decision.response.status }),
  };
}

const rules = fc.array(arbitraryRuleOfAnyAction, { maxLength: 10 });
const hops = fc.array(arbitraryHop, { minLength: 1, maxLength: 8 });

function bookOf(session: readonly Rule[], inCase: readonly Rule[], policy: Policy | undefined): Rulebook {
  const book = new Rulebook();
  book.setSessionRules(labelled(session, 's'));
  book.setCaseRules(labelled(inCase, 'c'));
  book.setPolicy(policy);
  return book;
}

describe('explain and decide', () => {
  it('agree on the decision and on what matches, for random rules, policies and hops', () => {
    fc.assert(
      fc.property(
        rules,
        rules,
        arbitraryPolicy,
        hops,
        fc.boolean(),
        (session, inCase, policy, asked, read) => {
          const book = bookOf(session, inCase, policy);
          const byLabel = new Map(
            [...labelled(session, 's'), ...labelled(inCase, 'c')].map((rule) => [rule.id, rule]),
          );
          for (const { hop, body } of asked) {
            if (read) hop.body = body;
            const { decision, rules: explained } = book.explain(hop, true);
            const { reason, ...summary } = decision;
            assert.notEqual(reason, '');
            assert.equal(explained.length, byLabel.size);
            for (const { rule: label, matches, spent = false, predicates } of explained) {
              const rule = byLabel.get(label);
              assert.ok(rule);
              const when = compileWhen(rule.when);
              assert.equal(matches, when.matches(hop) && !spent);
              assert.deepEqual(
                predicates.map(({ key, held }) => ({ key, held })),
                when.predicates.map((predicate) => ({ key: predicate.key, held: predicate.matches(hop) })),
              );
            }
            const won = explained.filter((rule) => rule.won);
            const decided = book.decide(hop, true);
            assert.deepEqual(summary, summaryOf(decided));
            assert.equal(won.length <= 1, true);
            if (decision.rule !== undefined) assert.equal(won[0]?.rule, decision.rule);
            if (decision.kind !== 'need-body') {
              assert.equal(
                explained.some(({ matches }) => matches),
                won.length === 1,
              );
            }
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('do not disturb each other: a sequence of decisions is the same with explanations between', () => {
    fc.assert(
      fc.property(rules, rules, arbitraryPolicy, hops, (session, inCase, policy, asked) => {
        const alone = bookOf(session, inCase, policy);
        const explained = bookOf(session, inCase, policy);
        for (const { hop, body } of asked) {
          hop.body = body;
          const first = explained.explain(hop, true);
          assert.deepEqual(explained.explain(hop, true), first);
          assert.deepEqual(summaryOf(explained.decide(hop, true)), summaryOf(alone.decide(hop, true)));
          for (const { hop: other } of asked) explained.explain(other, false);
        }
      }),
    );
  });
});

describe('an explanation of the decision', () => {
  const rows: [reason: RegExp, rules: Rule[], policy?: Policy][] = [
    [/^rule "r" answers$/, [{ id: 'r', when: {}, then: answers }]],
    [
      /^rule "r" answers with an error$/,
      [{ id: 'r', when: {}, then: { action: 'error', error: { status: 500 } } }],
    ],
    [/^rule "r" lets it through$/, [{ id: 'r', when: {}, then: { action: 'passthrough' } }]],
    [
      /^rule "r" lets it through and has it recorded$/,
      [{ id: 'r', when: {}, then: { action: 'capture_only' } }],
    ],
    [
      /^rule "r", whose action "replay" is deprecated .*no policy: it is let through$/,
      [{ id: 'r', when: {}, then: { action: 'replay' } }],
    ],
    [/^no rule matches, and the session has no policy: it is let through$/, []],
    [
      /^no rule matches; the policy lets it through \(externalAllowlist or allowHosts names its host\)$/,
      [],
      { allowHosts: ['*'] },
    ],
    [/^no rule matches; the policy lets it through \(nothing in the policy is strict\)$/, [], {}],
    [/^no rule matches; the policy's mockResponse answers/, [], { defaultOnMiss: 'mock', mockResponse: {} }],
    [
      /^no rule matches POST https:\/\/api\.example\.com\/v1\/charges and .* refuses it \(externalHttp is "strict"\)/,
      [],
      { externalHttp: 'strict' },
    ],
    [
      /^rule "r", which would let it through, matches .*\(offline is true\)/,
      [{ id: 'r', when: {}, then: { action: 'passthrough' } }],
      { offline: true },
    ],
  ];
  for (const [reason, given, policy] of rows) {
    it(`says ${reason.source}`, () => {
      assert.match(explain(given, exampleHop({ body: '' }), policy).decision.reason, reason);
    });
  }

  it('says what depends on a body that is not known', () => {
    const onBody: Rule = { id: 'r', when: { bodyJsonPath: '$.a' }, then: answers };
    const { decision, rules: explained } = explain([onBody], exampleHop());
    assert.deepEqual(decision, {
      kind: 'need-body',
      reason: 'rule "r" depends on the request body, which is not known',
    });
    assert.equal(explained[0]?.won, undefined);
    assert.equal(explained[0]?.predicates[0]?.hint, 'the request body is not known');
    assert.equal(
      explain([], exampleHop(), { externalHttp: 'strict' }).decision.reason,
      'the answer of the policy depends on the request body, which is not known',
    );
  });
});

describe('an explained rule', () => {
  it('says who it is, whether it matches, and whether it is spent', () => {
    const book = new Rulebook();
    book.setCaseRules([
      { name: 'once', priority: 3, consume: 'once', when: { method: 'POST' }, then: answers },
    ]);
    const hop = exampleHop({ body: '' });
    const predicates = [{ key: 'method', pointer: '/method', held: true, expected: 'POST', actual: 'POST' }];
    const fixed = { rule: 'once', layer: 'case', priority: 3, action: 'mock', predicates } as const;
    assert.deepEqual(book.explain(hop, false).rules, [{ ...fixed, matches: true, won: true }]);
    book.decide(hop, false);
    assert.deepEqual(book.explain(hop, false).rules, [{ ...fixed, matches: false, spent: true }]);
  });

  it('stands in order: the winner, other matches by rank, then the rest by closeness', () => {
    const rule = (id: string, when: When, priority = 0): Rule => ({ id, priority, when, then: answers });
    const { rules: explained } = explain([
      rule('other direction', { direction: 'inbound' }),
      rule('typo', { method: 'POST', host: 'api.example.com', path: '/v1/charge' }),
      rule('other path', { method: 'POST', host: 'api.example.com', path: '/refunds' }, 9),
      rule('low match', {}, -1),
      rule('other header', { host: 'api.example.com', path: '/v1/charges', headers: { 'x-tenant': 'red' } }),
      rule('match', { host: 'api.example.com' }),
      rule('high match', {}, 1),
    ]);
    assert.deepEqual(
      explained.map(({ rule }) => rule),
      ['high match', 'match', 'low match', 'typo', 'other header', 'other path', 'other direction'],
    );
  });

  it('stands behind those that match when it is spent', () => {
    const book = new Rulebook();
    book.setSessionRules([
      { id: 'low', priority: -1, when: {}, then: answers },
      { id: 'next', when: {}, then: answers },
      { id: 'spent', priority: 1, consume: 'once', when: {}, then: answers },
    ]);
    const hop = exampleHop({ body: '' });
    book.decide(hop, false);
    assert.deepEqual(
      book.explain(hop, false).rules.map(({ rule }) => rule),
      ['next', 'low', 'spent'],
    );
  });

  it('shows what was expected and what came, and hints where that is easily overlooked', () => {
    const path = (expected: string) => explainOne({ path: expected })?.hint;
    assert.equal(path('/V1/charges'), 'only upper and lower case differ');
    assert.equal(path('/v1/charges/'), 'only the slash at the end is missing');
    assert.equal(path('/v1/charges?expand=x'), 'the path is the same, the query is not');
    assert.equal(path('/v1/refunds'), undefined);
    assert.deepEqual(explainOne({ host: 'api.example.com:8443' }), {
      key: 'host',
      pointer: '/host',
      held: false,
      expected: 'api.example.com:8443',
      actual: 'api.example.com',
      hint: 'the same host, with port 443',
    });
    assert.equal(explainOne({ headers: { 'X-Other': 'a' } })?.hint, 'the request has no header x-other');
    assert.equal(
      explainOne({ headerMatch: { 'X-Tenant': 'red' } })?.hint,
      'the header x-tenant is there, with another value',
    );
    assert.equal(
      explainOne({ query: { limit: '1' } })?.hint,
      'the parameter limit is there, with another value',
    );
    assert.equal(explainOne({ query: { page: '1' } })?.hint, 'the query has no parameter page');
    assert.equal(explainOne({ traceTags: { nope: 1 } })?.hint, 'the hop has no attribute nope');
  });

  it('tells what is wrong with a body', () => {
    const hint = (body: string | null) =>
      explainOne({ bodyJsonPathEquals: { '$.amount': 100 } }, exampleHop({ body }))?.hint;
    assert.equal(hint(''), 'the request has no body');
    assert.equal(hint('amount=100'), 'the request body is not JSON');
    assert.equal(hint('{"sum": 100}'), 'the path selects nothing in the body');
    assert.equal(hint('{"amount": 101}'), 'the path selects another value');
    assert.equal(hint('{"amount": 100}'), undefined);
    assert.equal(hint(null), 'the request body is larger than rules may look at');
  });

  it('hides the values of headers that carry credentials, on both sides', () => {
    const hop = exampleHop({ headers: ['Authorization', 'Bearer s3cret', 'X-Api-Key', 's3cret'], body: '' });
    const { rules: explained } = explain(
      [
        {
          when: {
            headers: { Authorization: 'Bearer s3cret2' },
            headerMatch: { 'X-API-Key': '^s3cret$' },
            traceTags: { 'http.request.header.authorization': 's3cret3' },
          },
          then: answers,
        },
      ],
      hop,
    );
    assert.doesNotMatch(JSON.stringify(explained), /s3cret/);
    assert.equal(explained[0]?.predicates[0]?.actual, '(hidden)');
    assert.equal('actual' in (explainOne({ headers: { cookie: 'a=b' } }) ?? {}), false);
  });

  it('cuts long values and never fails on strange ones', () => {
    const long = `/${'a'.repeat(100_000)}`;
    const shown = explainOne({ path: `${long}x` }, exampleHop({ path: `${long}y`, body: '' }));
    assert.equal(String(shown?.expected).length, 201);
    assert.equal(String(shown?.actual).length, 201);
    assert.match(String(shown?.hint), /^the first 100001 characters agree; then "x" is expected, not "y"$/);
    const deep = `${'['.repeat(3000)}${']'.repeat(3000)}`;
    assert.equal(
      explainOne({ bodyJsonPathEquals: { $: 1 } }, exampleHop({ body: deep }))?.actual,
      '[[[[[[[…]]]]]]]',
    );
    const endless = explainOne(
      { bodyJsonPath: '$..[?count($..*) == 0]' },
      exampleHop({ body: JSON.stringify(Array.from({ length: 5000 }, () => [1])) }),
    );
    assert.equal(endless?.held, false);
    assert.match(endless?.hint ?? '', /^it cannot be evaluated: /);
  });
});
