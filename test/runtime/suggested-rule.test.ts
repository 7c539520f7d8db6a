import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Hop, validateDocument } from '../../src/cases/index.ts';
import { Rulebook } from '../../src/runtime/rulebook.ts';
import { suggestRule } from '../../src/runtime/suggested-rule.ts';
import { exampleHop } from '../support/example-hop.ts';

/** Posts the rule as a client would, and asks again. */
function decideBySuggestion(hop: Hop) {
  const { rules } = validateDocument('rules', JSON.parse(JSON.stringify({ rules: [suggestRule(hop)] })));
  const book = new Rulebook();
  book.setPolicy({ externalHttp: 'strict', internalHttp: 'strict' });
  assert.deepEqual(book.setSessionRules(rules), []);
  return book;
}

describe('suggestRule', () => {
  it('names the hop by direction, method, host, and path with query', () => {
    const rule = suggestRule(exampleHop({ body: '' }));
    assert.match(rule.id ?? '', /^suggested-[0-9a-f]{8}$/);
    assert.deepEqual(rule.when, {
      direction: 'outbound',
      method: 'POST',
      host: 'api.example.com',
      path: '/v1/charges?expand=customer&limit=10',
    });
    assert.deepEqual(rule.then, {
      action: 'mock',
      response: { status: 200, headers: { 'content-type': 'application/json' }, body: {} },
    });
  });

  it('leaves out what cannot stand in a rule', () => {
    const { when } = suggestRule(exampleHop({ host: 'no host/', query: undefined, body: '' }));
    assert.deepEqual(when, { direction: 'outbound', method: 'POST', path: '/v1/charges' });
  });

  it('lets a tunnel through, which no mock can answer', () => {
    const tunnel = exampleHop({ method: 'CONNECT', host: 'a.com:443', path: '', query: undefined, body: '' });
    assert.deepEqual(suggestRule(tunnel).then, { action: 'passthrough' });
    assert.equal(decideBySuggestion(tunnel).decideTunnel(tunnel, false).kind, 'forward');
  });

  it('matches the hop and is a valid rule, however strange the hop', () => {
    const latin1 = fc.string({
      unit: fc.integer({ min: 0x21, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 30,
    });
    const strangeHop = fc.record({
      direction: fc.constantFrom('inbound' as const, 'outbound' as const),
      method: fc.oneof(fc.constantFrom('GET', 'HEAD', 'purge', '!#$%&', 'Ünïcode'), latin1),
      host: fc.oneof(
        fc.constantFrom(
          'A.com.',
          '[::1]:8080',
          '::1',
          'a:b',
          'a.com:',
          '',
          '*',
          'x y',
          'ü.de',
          'a.com:99999',
        ),
        latin1,
      ),
      path: latin1.filter((path) => !path.includes('?')).map((path) => `/${path}`),
      query: fc.option(latin1, { nil: undefined }),
      scheme: fc.constantFrom('http' as const, 'https' as const),
    });
    fc.assert(
      fc.property(strangeHop, (fields) => {
        const hop = exampleHop({ ...fields, body: '' });
        const decision = decideBySuggestion(hop).decide(hop, false);
        assert.equal(decision.kind === 'respond' && decision.outcome, 'mock');
      }),
      { numRuns: 500 },
    );
  });
});
