import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Policy, Rule } from '../../src/cases/index.ts';
import { Rulebook } from '../../src/runtime/rulebook.ts';
import { exampleHop } from '../support/example-hop.ts';

const connect = (host = 'api.stripe.com:443') =>
  exampleHop({ method: 'CONNECT', host, path: '', query: undefined, headers: [], body: '' });

function decide(policy: Policy | undefined, rules: readonly Rule[] = [], hop = connect(), recording = false) {
  const book = new Rulebook();
  book.setPolicy(policy);
  book.setSessionRules(rules);
  return book.decideTunnel(hop, recording);
}

function outcomeOf(...given: Parameters<typeof decide>): string {
  const decision = decide(...given);
  return decision.kind === 'respond' ? decision.outcome : decision.kind;
}

const strict: Policy = { externalHttp: 'strict' };
const mock: Rule = { id: 'mock', when: {}, then: { action: 'mock', response: {} } };
const through: Rule = { id: 'through', when: { hostSuffix: 'stripe.com' }, then: { action: 'passthrough' } };

describe('decideTunnel', () => {
  it('lets a tunnel out where no policy refuses it', () => {
    assert.equal(outcomeOf(undefined), 'forward');
    assert.equal(outcomeOf({}), 'forward');
    assert.equal(outcomeOf({ ...strict, allowHosts: ['stripe.com'] }), 'forward');
    assert.equal(outcomeOf(strict, [], connect('localhost:443')), 'forward');
  });

  it('refuses as a strict miss what the policy refuses of any hop', () => {
    assert.equal(outcomeOf(strict), 'strict-miss');
    assert.equal(outcomeOf({ defaultOnMiss: 'error' }), 'strict-miss');
    assert.equal(outcomeOf({ blockHosts: ['stripe.com'] }), 'strict-miss');
    assert.equal(outcomeOf({ offline: true }, [], connect('localhost:443')), 'strict-miss');
  });

  it('takes a passthrough or capture_only rule for a yes', () => {
    assert.deepEqual(decide(strict, [through]), {
      kind: 'forward',
      rule: 'through',
      record: false,
      redaction: undefined,
    });
    const captureOnly: Rule = { id: 'keep', when: {}, then: { action: 'capture_only' } };
    const decision = decide(strict, [captureOnly]);
    assert.deepEqual([decision.kind, decision.rule, decision.record], ['forward', 'keep', true]);
  });

  it('records in a session that records, whether the tunnel goes out or not', () => {
    for (const [policy, rules] of [
      [undefined, []],
      [strict, []],
      [strict, [through]],
    ] as const) {
      assert.equal(decide(policy, rules, connect(), true).record, true);
      assert.equal(decide(policy, rules, connect(), false).record, false);
    }
  });

  it('takes neither a rule nor a policy that mocks for an answer', () => {
    assert.equal(outcomeOf(undefined, [mock]), 'forward');
    assert.equal(outcomeOf(strict, [mock]), 'strict-miss');
    assert.equal(outcomeOf({ defaultOnMiss: 'mock', mockResponse: {} }), 'strict-miss');
    assert.equal(
      outcomeOf({ defaultOnMiss: 'mock', mockResponse: {}, allowHosts: ['stripe.com'] }),
      'forward',
    );
  });

  it('says which rule matches but cannot answer, and suggests no mock', () => {
    const decision = decide(strict, [mock]);
    assert.ok(decision.kind === 'respond');
    const { error } = JSON.parse(Buffer.from(decision.response.body).toString());
    assert.equal(
      error.message,
      'rule "mock", which cannot answer inside a tunnel, matches CONNECT api.stripe.com:443 and the session\'s policy refuses it (externalHttp is "strict"); let it through by a passthrough rule or by "api.stripe.com" in externalAllowlist',
    );
  });

  it('counts no rule as served', () => {
    const book = new Rulebook();
    book.setPolicy(strict);
    book.setSessionRules([{ ...through, consume: 'once' }]);
    assert.equal(book.decideTunnel(connect(), false).kind, 'forward');
    assert.equal(book.decideTunnel(connect(), false).kind, 'forward');
  });

  it('does not wait for a body that CONNECT never has', () => {
    const hop = exampleHop({ method: 'CONNECT', host: 'api.stripe.com:443', path: '' });
    const onBody: Rule = { when: { bodyJsonPath: '$' }, then: { action: 'passthrough' } };
    assert.equal(outcomeOf(strict, [onBody], hop), 'strict-miss');
  });
});
