import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Rule } from '../../src/cases/index.ts';
import { Rulebook } from '../../src/runtime/rulebook.ts';
import { exampleHop } from '../support/example-hop.ts';

/** Answers first A, then B, then the last one for ever. */
function sequence(...labels: string[]): Rule[] {
  const rules: Rule[] = labels.map((id, index) => ({
    id,
    when: { path: '/v1/charges' },
    then: { action: 'mock', response: { body: id } },
    ...(index < labels.length - 1 && { consume: 'once', consumeScope: 'trace' }),
  }));
  return rules.reverse();
}

function bookOf(rules: readonly Rule[]): Rulebook {
  const book = new Rulebook();
  book.setSessionRules(rules);
  return book;
}

function ask(book: Rulebook, traceId: string | undefined): string {
  const decision = book.decide(exampleHop({ traceId }), false);
  return decision.kind === 'need-body' ? decision.kind : (decision.rule ?? 'miss');
}

const trace = (number: number) => number.toString(16).padStart(32, '0');

describe('consumeScope: trace', () => {
  it('gives each trace its own sequence, however the requests of several traces mingle', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        (order, length) => {
          const labels = Array.from({ length }, (_, index) => String.fromCharCode(65 + index));
          const book = bookOf(sequence(...labels));
          const seen = new Map<number, string[]>();
          for (const number of order) {
            seen.set(number, [...(seen.get(number) ?? []), ask(book, trace(number))]);
          }
          for (const answers of seen.values()) {
            assert.deepEqual(
              answers,
              answers.map((_, index) => labels[Math.min(index, length - 1)]),
            );
          }
        },
      ),
    );
  });

  it('counts the requests without a trace as those of one', () => {
    const book = bookOf(sequence('A', 'B'));
    assert.deepEqual(
      [ask(book, undefined), ask(book, trace(1)), ask(book, undefined), ask(book, trace(1))],
      ['A', 'A', 'B', 'B'],
    );
  });

  it('stands beside rules that serve the session once', () => {
    const rule = { when: {}, then: { action: 'mock', response: {} } } as const;
    const book = bookOf([
      { ...rule, id: 'trace', consume: 'once', consumeScope: 'trace' },
      { ...rule, id: 'session', consume: 'once', consumeScope: 'session' },
    ]);
    assert.deepEqual(
      [1, 2, 1, 2].map((number) => ask(book, trace(number))),
      ['session', 'trace', 'trace', 'miss'],
    );
  });

  it('remembers the last 10,000 traces, and not all that ever were', () => {
    const book = bookOf(sequence('A', 'B'));
    for (let number = 0; number < 10_000; number++) assert.equal(ask(book, trace(number)), 'A');
    assert.equal(ask(book, trace(0)), 'B');
    for (let number = 10_000; number < 20_001; number++) ask(book, trace(number));
    assert.equal(ask(book, trace(10_001)), 'B');
    assert.equal(ask(book, trace(0)), 'A');
  });

  it('does not count a question that waits for the body', () => {
    const book = bookOf([
      {
        id: 'A',
        consume: 'once',
        consumeScope: 'trace',
        when: { bodyJsonPath: '$.a' },
        then: { action: 'passthrough' },
      },
    ]);
    assert.equal(ask(book, trace(1)), 'need-body');
    assert.equal(ask(book, trace(1)), 'need-body');
    const answer = () => book.decide(exampleHop({ traceId: trace(1), body: '{"a":1}' }), false);
    assert.deepEqual(
      [answer(), answer()].map((decision) => decision.kind === 'forward' && decision.rule),
      ['A', undefined],
    );
  });
});
