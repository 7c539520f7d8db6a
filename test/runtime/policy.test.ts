import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidDocumentError, type Policy } from '../../src/cases/index.ts';
import { requestFingerprint } from '../../src/runtime/fingerprint.ts';
import { Rulebook } from '../../src/runtime/rulebook.ts';
import { exampleHop } from '../support/example-hop.ts';

type Outcome = 'forward' | 'mock' | 'strict-miss';

function decide(policy: Policy, hop = exampleHop({ body: '' })) {
  const book = new Rulebook();
  book.setPolicy(policy);
  return book.decide(hop, false);
}

function outcomeOf(
  policy: Policy,
  host: string,
  direction: 'inbound' | 'outbound' = 'outbound',
): Outcome | string {
  const decision = decide(policy, exampleHop({ host, direction, scheme: 'http', body: '' }));
  return decision.kind === 'respond' ? decision.outcome : decision.kind;
}

describe('policy', () => {
  const strict: Policy = { externalHttp: 'strict' };
  const rows: [policy: Policy, host: string, outcome: Outcome][] = [
    [{}, 'api.stripe.com', 'forward'],
    [{ externalHttp: 'allow' }, 'api.stripe.com', 'forward'],
    [strict, 'api.stripe.com', 'strict-miss'],
    [strict, 'api.stripe.com:8443', 'strict-miss'],
    [strict, 'redis:6379', 'forward'],
    [strict, 'localhost:3000', 'forward'],
    [strict, '10.1.2.3', 'forward'],
    [strict, '8.8.8.8', 'strict-miss'],
    [strict, '[::1]:80', 'forward'],
    [{ ...strict, internalHttp: 'strict' }, 'redis:6379', 'strict-miss'],
    [{ ...strict, internalHttp: 'allow' }, 'redis:6379', 'forward'],
    [{ internalHttp: 'strict' }, 'redis:6379', 'strict-miss'],
    [{ internalHttp: 'strict' }, 'api.stripe.com', 'forward'],
    [{ ...strict, externalAllowlist: ['stripe.com'] }, 'api.stripe.com', 'forward'],
    [{ ...strict, externalAllowlist: ['stripe.com'] }, 'notstripe.com', 'strict-miss'],
    [{ ...strict, allowHosts: ['stripe.com'] }, 'api.stripe.com', 'forward'],
    [{ ...strict, allowHosts: ['a.org'], externalAllowlist: ['stripe.com'] }, 'x.a.org', 'forward'],
    [{ blockHosts: ['stripe.com'] }, 'api.stripe.com', 'strict-miss'],
    [{ blockHosts: ['stripe.com'] }, 'example.com', 'forward'],
    [{ blockHosts: ['localhost'] }, 'localhost:1', 'strict-miss'],
    [{ blockHosts: ['stripe.com'], allowHosts: ['stripe.com'] }, 'stripe.com', 'strict-miss'],
    [{ defaultOnMiss: 'error' }, 'api.stripe.com', 'strict-miss'],
    [{ defaultOnMiss: 'error' }, 'localhost', 'strict-miss'],
    [{ defaultOnMiss: 'error', allowHosts: ['localhost'] }, 'localhost', 'forward'],
    [{ defaultOnMiss: 'passthrough' }, 'api.stripe.com', 'forward'],
    [{ ...strict, defaultOnMiss: 'passthrough' }, 'api.stripe.com', 'strict-miss'],
    [{ defaultOnMiss: 'mock', mockResponse: {} }, 'api.stripe.com', 'mock'],
    [{ ...strict, defaultOnMiss: 'mock', mockResponse: {} }, 'api.stripe.com', 'mock'],
    [{ defaultOnMiss: 'mock', mockResponse: {}, allowHosts: ['a.com'] }, 'a.com', 'forward'],
    [{ defaultOnMiss: 'mock', mockResponse: {}, blockHosts: ['a.com'] }, 'a.com', 'strict-miss'],
    [{ mockResponse: {} }, 'a.com', 'forward'],
  ];
  for (const [policy, host, outcome] of rows) {
    it(`${JSON.stringify(policy)}: ${host} is a ${outcome}`, () =>
      assert.equal(outcomeOf(policy, host), outcome));
  }

  it('lets every inbound hop through', () => {
    for (const policy of [
      { ...strict, internalHttp: 'strict' },
      { defaultOnMiss: 'error' },
      { blockHosts: ['*'] },
      { defaultOnMiss: 'mock', mockResponse: {} },
    ] satisfies Policy[]) {
      assert.equal(outcomeOf(policy, 'api.stripe.com', 'inbound'), 'forward');
    }
  });

  it('asks for both hosts where a request goes to another than it names', () => {
    const through = (host: string, tunnelHost: string) => {
      const policy: Policy = { ...strict, internalHttp: 'strict', allowHosts: ['stripe.com', '127.0.0.1:1'] };
      return decide(policy, exampleHop({ host, tunnelHost, body: '' })).kind;
    };
    assert.equal(through('api.stripe.com', 'evil.example:443'), 'respond');
    assert.equal(through('evil.example', 'api.stripe.com:443'), 'respond');
    assert.equal(through('api.stripe.com', '127.0.0.1:1'), 'forward');
  });

  it('yields to any rule', () => {
    const book = new Rulebook();
    book.setPolicy({ blockHosts: ['*'], externalHttp: 'strict' });
    book.setCaseRules([
      {
        id: 'exception',
        priority: -1000,
        when: { hostSuffix: 'example.com' },
        then: { action: 'passthrough' },
      },
    ]);
    assert.equal(book.decide(exampleHop(), false).kind, 'forward');
    book.setCaseRules([]);
    assert.equal(book.decide(exampleHop(), false).kind, 'need-body');
    book.setPolicy(undefined);
    assert.equal(book.decide(exampleHop(), false).kind, 'forward');
  });

  it('refuses with the documented body, header and status', () => {
    const hop = exampleHop({ body: '{"a":1}' });
    const decision = decide(strict, hop);
    assert.ok(decision.kind === 'respond');
    const { status, headers, body } = decision.response;
    assert.equal(status, 599);
    assert.deepEqual(headers.slice(0, 4), [
      'content-type',
      'application/json',
      'x-softprobe-strict-miss',
      '1',
    ]);
    const { error, ...rest } = JSON.parse(Buffer.from(body).toString());
    assert.equal(error.code, 'strict_miss');
    assert.match(
      error.message,
      /POST https:\/\/api\.example\.com\/v1\/charges .*externalHttp is "strict".*"api\.example\.com" in externalAllowlist/,
    );
    assert.deepEqual(rest, {
      sessionId: 'sess_example',
      requestFingerprint: requestFingerprint(hop),
      request: { method: 'POST', host: 'api.example.com', path: '/v1/charges' },
      nearMisses: [],
    });
  });

  it('refuses with what policy.error says', () => {
    const withBody = decide({
      ...strict,
      error: {
        status: 418,
        body: { no: 'tea' },
        headers: { 'X-Why': 'strict', 'X-Softprobe-Strict-Miss': '0' },
      },
    });
    assert.ok(withBody.kind === 'respond');
    assert.equal(withBody.response.status, 418);
    assert.equal(Buffer.from(withBody.response.body).toString(), '{"no":"tea"}');
    assert.deepEqual(withBody.response.headers, [
      'X-Why',
      'strict',
      'x-softprobe-strict-miss',
      '1',
      'content-type',
      'application/json',
      'content-length',
      '12',
    ]);

    const withoutBody = decide({
      ...strict,
      error: { headers: { 'Content-Type': 'text/plain', 'x-why': 'strict' } },
    });
    assert.ok(withoutBody.kind === 'respond');
    assert.equal(withoutBody.response.status, 599);
    assert.deepEqual(withoutBody.response.headers.slice(0, 6), [
      'content-type',
      'application/json',
      'x-softprobe-strict-miss',
      '1',
      'x-why',
      'strict',
    ]);
  });

  it('mocks misses with latency and no rule label', () => {
    const decision = decide({ defaultOnMiss: 'mock', mockResponse: { status: 202, latencyMs: 5 } });
    assert.ok(decision.kind === 'respond');
    assert.equal(decision.latencyMs, 5);
    assert.equal(decision.rule, undefined);
    assert.deepEqual(decision.response.wireHeaders, ['content-length', '0', 'x-softprobe-outcome', 'mock']);
  });

  it('names its mistakes and changes nothing', () => {
    const rows: [Policy, string[]][] = [
      [{ defaultOnMiss: 'mock' }, ['']],
      [
        { externalAllowlist: ['ok.com', 'https://x'], allowHosts: ['a b'], blockHosts: ['*.'] },
        ['/externalAllowlist/1', '/allowHosts/0', '/blockHosts/0'],
      ],
      [{ mockResponse: { headers: { a: '\n' } } }, ['/mockResponse/headers/a']],
      [{ error: { headers: { 'b c': 'x' } } }, ['/error/headers/b c']],
    ];
    for (const [policy, pointers] of rows) {
      const book = new Rulebook();
      book.setPolicy({ defaultOnMiss: 'error' });
      assert.throws(
        () => book.setPolicy(policy),
        (error) => {
          assert.ok(error instanceof InvalidDocumentError);
          assert.equal(error.document, 'policy');
          assert.deepEqual(
            error.issues.map(({ pointer }) => pointer),
            pointers,
          );
          return true;
        },
      );
      assert.equal(book.decide(exampleHop(), false).kind, 'need-body');
    }
  });
});
