import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Policy, Rule, When } from '../../src/cases/index.ts';
import { Rulebook } from '../../src/runtime/rulebook.ts';
import { exampleHop } from '../support/example-hop.ts';

const strict: Policy = { externalHttp: 'strict' };

function bookOf(rules: readonly Rule[], policy: Policy = strict): Rulebook {
  const book = new Rulebook();
  book.setSessionRules(rules);
  book.setPolicy(policy);
  return book;
}

function miss(book: Rulebook, hop = exampleHop({ body: '{"amount": 100}' })) {
  const decision = book.decide(hop, false);
  assert.ok(decision.kind === 'respond' && decision.outcome === 'strict-miss');
  return decision;
}

const mock = (id: string, when: When): Rule => ({ id, when, then: { action: 'mock', response: {} } });
const labels = (book: Rulebook) => miss(book).nearMisses?.map(({ rule }) => rule);

describe('near misses', () => {
  it('stand in the strict-miss body and on the decision: what failed, expected and actual', () => {
    const decision = miss(
      bookOf([mock('typo', { method: 'POST', path: '/v1/Charges', host: 'api.example.com' })]),
    );
    assert.deepEqual(decision.nearMisses, [
      {
        rule: 'typo',
        failed: [
          {
            key: 'path',
            pointer: '/path',
            expected: '/v1/Charges',
            actual: '/v1/charges',
            hint: 'only upper and lower case differ',
          },
        ],
      },
    ]);
    const body = JSON.parse(Buffer.from(decision.response.body).toString());
    assert.deepEqual(body.nearMisses, decision.nearMisses);
  });

  it('are the best three, the nearest first', () => {
    const host = 'api.example.com';
    const book = bookOf([
      mock('far', { host: 'example.org', path: '/other' }),
      mock('third', { host, path: '/v1/refunds' }),
      mock('first', { host, path: '/v1/charges', bodyJsonPathEquals: { '$.amount': 99 } }),
      mock('second', { host, path: '/v1/charges', headers: { 'x-none': 'a' }, query: { none: 'b' } }),
    ]);
    assert.deepEqual(labels(book), ['first', 'second', 'third']);
  });

  it('are none where there are no rules', () => {
    assert.deepEqual(miss(bookOf([])).nearMisses, []);
  });

  it('name a rule that matched but has been served', () => {
    const book = bookOf([{ ...mock('once', {}), consume: 'once' }]);
    assert.equal(book.decide(exampleHop({ body: '' }), false).kind, 'respond');
    assert.deepEqual(miss(book).nearMisses, [
      {
        rule: 'once',
        failed: [
          {
            key: 'consume',
            pointer: '',
            expected: 'once',
            hint: 'the rule serves one request, and has served it to this session already',
          },
        ],
      },
    ]);
  });

  it('leave out the rule that matches but is overruled, which the message names', () => {
    const through: Rule = { id: 'through', when: {}, then: { action: 'passthrough' } };
    const book = bookOf([through, mock('near', { method: 'PUT' })], { offline: true });
    assert.deepEqual(labels(book), ['near']);
  });

  it('are found among 10,000 rules, wherever they stand', () => {
    const rules = Array.from({ length: 10_000 }, (_, index) =>
      mock(`r${index}`, { method: 'POST', host: 'api.example.com', path: `/v1/items/${index}` }),
    );
    for (const near of [0, 5000, 9999]) {
      rules[near] = mock('near', { method: 'POST', host: 'api.example.com', path: '/v1/charge' });
      assert.equal(labels(bookOf(rules))?.[0], 'near');
      rules[near] = mock('far', { path: '/' });
    }
  });

  it('ask what is dear of a few rules only', { timeout: 60_000 }, () => {
    // Each path would visit a million nodes before it gives up; ten thousand of them would take minutes.
    const endless = '$..[?count($..*) == 0]';
    const book = bookOf(
      Array.from({ length: 10_000 }, (_, index) =>
        mock(`r${index}`, { path: `/${index}`, bodyJsonPath: endless }),
      ),
    );
    const body = JSON.stringify(Array.from({ length: 1000 }, () => [1]));
    assert.equal(miss(book, exampleHop({ body })).nearMisses?.length, 3);
  });
});
