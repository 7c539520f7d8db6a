import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Policy, Rule } from '../../src/cases/index.ts';
import { Rulebook } from '../../src/runtime/rulebook.ts';
import { exampleHop } from '../support/example-hop.ts';
import {
  arbitraryHop,
  arbitraryPolicy,
  arbitraryRuleOfAnyAction,
  labelled,
} from './support/arbitrary-rules.ts';

function outcomeOf(policy: Policy, rules: readonly Rule[] = [], hop = exampleHop({ body: '' })): string {
  const book = new Rulebook();
  book.setPolicy({ ...policy, offline: true });
  book.setSessionRules(rules);
  const decision = book.decide(hop, false);
  return decision.kind === 'respond' ? decision.outcome : decision.kind;
}

function messageOf(rules: readonly Rule[]): string {
  const book = new Rulebook();
  book.setPolicy({ offline: true });
  book.setSessionRules(rules);
  const decision = book.decide(exampleHop({ body: '' }), false);
  assert.ok(decision.kind === 'respond');
  return JSON.parse(Buffer.from(decision.response.body).toString()).error.message;
}

describe('a policy that is offline', () => {
  it('refuses what no rule answers, internal or not', () => {
    for (const host of ['api.stripe.com', 'localhost:3000', '10.0.0.1', 'redis']) {
      assert.equal(outcomeOf({}, [], exampleHop({ host, body: '' })), 'strict-miss', host);
    }
  });

  it('heeds no list and no default that would let a hop out', () => {
    for (const policy of [
      { externalAllowlist: ['*'] },
      { allowHosts: ['api.example.com'] },
      { externalHttp: 'allow', internalHttp: 'allow', defaultOnMiss: 'passthrough' },
    ] satisfies Policy[]) {
      assert.equal(outcomeOf(policy), 'strict-miss', JSON.stringify(policy));
    }
  });

  it('answers by rules and by its own mock', () => {
    assert.equal(outcomeOf({}, [{ when: {}, then: { action: 'mock', response: {} } }]), 'mock');
    assert.equal(outcomeOf({}, [{ when: {}, then: { action: 'error', error: { status: 500 } } }]), 'error');
    assert.equal(outcomeOf({ defaultOnMiss: 'mock', mockResponse: {}, allowHosts: ['*'] }), 'mock');
  });

  it('overrules the rules that would let a hop out, and says so', () => {
    for (const action of ['passthrough', 'capture_only'] as const) {
      const rules: Rule[] = [{ id: 'out', when: {}, then: { action } }];
      assert.equal(outcomeOf({}, rules), 'strict-miss');
      assert.match(
        messageOf(rules),
        /^rule "out", which would let it through, matches POST .* \(offline is true\); add a rule that mocks it$/,
      );
    }
  });

  it('forwards inbound hops, by a rule too', () => {
    const hop = () => exampleHop({ direction: 'inbound', body: '' });
    assert.equal(outcomeOf({}, [], hop()), 'forward');
    assert.equal(outcomeOf({}, [{ when: {}, then: { action: 'passthrough' } }], hop()), 'forward');
  });

  it('lets no outbound hop or tunnel out, for random rules, policies and hops', () => {
    fc.assert(
      fc.property(
        fc.array(arbitraryRuleOfAnyAction, { maxLength: 8 }),
        arbitraryPolicy,
        fc.array(arbitraryHop, { minLength: 1, maxLength: 8 }),
        (rules, policy, hops) => {
          const book = new Rulebook();
          book.setSessionRules(labelled(rules, 's'));
          book.setPolicy({ ...policy, offline: true });
          for (const { hop, body } of hops) {
            hop.body = body;
            const { kind } = book.decide(hop, true);
            assert.equal(kind, hop.direction === 'inbound' && kind !== 'respond' ? 'forward' : 'respond');
            const tunnel = book.decideTunnel(
              { ...hop, direction: 'outbound', method: 'CONNECT', path: '' },
              true,
            );
            assert.equal(tunnel.kind === 'respond' && tunnel.outcome, 'strict-miss');
          }
        },
      ),
    );
  });
});
