import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import {
  type CaseDocument,
  type CaseRulesOptions,
  type Exchange,
  type Hop,
  InvalidDocumentError,
  Redactor,
  rulesFromCase,
  tracesFromExchange,
} from '../../src/cases/index.ts';
import { LocalRuntime } from '../../src/runtime/index.ts';
import { type ExchangeParts, exchangeWith, recordedBody, recordedResponse } from './support/exchange.ts';

const JSON_TYPE = ['content-type', 'application/json'];
const FORM_TYPE = ['content-type', 'application/x-www-form-urlencoded'];

/** A call as a service makes it, and what it was answered when it was recorded. */
interface Call {
  readonly hop: Partial<Hop>;
  readonly body?: string | Uint8Array;
  readonly answer?: string;
  readonly parts?: ExchangeParts;
}

function exchangeOf({ hop, body = '', answer = '', parts }: Call, position: number): Exchange {
  return exchangeWith({
    requestBody: recordedBody(body),
    response: recordedResponse(['content-type', 'text/plain'], answer),
    startTime: 1_767_225_600_000 + position,
    ...parts,
    hop,
  });
}

/** As it is after a way over a case file. */
function caseOf(calls: readonly Call[], redactor?: Redactor): CaseDocument {
  const traces = calls.map((call, position) => tracesFromExchange(exchangeOf(call, position), redactor));
  return JSON.parse(JSON.stringify({ version: '1.0.0', caseId: 'shop', traces }));
}

/** A session of the real runtime that has nothing but the rules of a case. */
class Replay {
  readonly #runtime = new LocalRuntime({ captureDir: 'unused' });
  readonly #id = this.#runtime.createSession({ mode: 'replay', policy: { offline: true } }).sessionId;

  constructor(document: CaseDocument, options?: CaseRulesOptions) {
    const { rules } = rulesFromCase(document, options);
    this.#runtime.setRules(this.#id, JSON.parse(JSON.stringify({ rules })));
  }

  /** The body of the answer; the outcome where it is none of a mock. */
  answer({ hop, body = '' }: Call): string {
    const session = this.#runtime.findSession(this.#id) ?? assert.fail();
    const request: Hop = { ...exchangeWith({ hop }).hop, body: body === '' ? new Uint8Array() : undefined };
    let decision = this.#runtime.decide(session, request);
    if (decision.kind === 'need-body') {
      request.body = Buffer.from(body);
      decision = this.#runtime.decide(session, request);
    }
    if (decision.kind !== 'respond') return decision.kind;
    if (decision.outcome !== 'mock') return `${decision.outcome} ${decision.response.status}`;
    return Buffer.from(decision.response.body).toString();
  }

  answers(calls: readonly Call[]): string[] {
    return calls.map((call) => this.answer(call));
  }
}

function replay(recorded: readonly Call[], calls = recorded, options?: CaseRulesOptions): string[] {
  return new Replay(caseOf(recorded), options).answers(calls);
}

const get = (path: string, answer = '', query?: string): Call => ({ hop: { path, query }, answer });
const post = (body: string | Uint8Array, answer = '', headers = JSON_TYPE): Call => ({
  hop: { method: 'POST', path: '/graphql', headers },
  body,
  answer,
});

describe('what is the same request', () => {
  test('the answers of other paths, queries, methods and hosts are not mixed up', () => {
    const calls = [
      get('/a', 'none'),
      get('/a', 'empty', ''),
      get('/a', 'one', 'x=1'),
      get('/a', 'two', 'x=2'),
      { hop: { path: '/a', method: 'PUT' }, answer: 'put' },
      { hop: { path: '/a', host: 'other.example' }, answer: 'other' },
      { hop: { path: '/a', host: 'stock.example' }, answer: 'port 80' },
      { hop: { path: '/a', host: 'stock.example', scheme: 'https' as const }, answer: 'port 443' },
    ];
    const answers = calls.map(({ answer }) => answer);
    assert.deepEqual(replay(calls), answers);
    assert.deepEqual(replay(calls.toReversed(), calls), answers);
  });

  test('a request that was recorded with another query is a miss', () => {
    assert.deepEqual(replay([get('/a', 'one')], [get('/a', '', 'page=2'), get('/a', '', '')]), [
      'strict-miss 599',
      'strict-miss 599',
    ]);
    assert.deepEqual(replay([get('/a', 'one', 'x=1')], [get('/a'), get('/a', '', 'x=1&y=2')]), [
      'strict-miss 599',
      'strict-miss 599',
    ]);
  });

  test('JSON bodies are compared as JSON', () => {
    const recorded = [post('{"a":1,"b":[2]}', 'first'), post('[1]', 'second'), post('null', 'third')];
    const calls = [
      post('{ "b": [2.0], "a": 1 }'),
      post(gzipSync('[1]'), '', [...JSON_TYPE, 'content-encoding', 'gzip']),
    ];
    assert.deepEqual(replay(recorded, calls), ['first', 'second']);
    assert.deepEqual(replay(recorded, [post('{"a":1}'), post('')]), ['strict-miss 599', 'strict-miss 599']);
  });

  test('other bodies are compared byte for byte', () => {
    const binary = Buffer.from([0, 255, 1]);
    const calls = [
      post('a=1&b=2', 'form', FORM_TYPE),
      post('a=2', 'other form', FORM_TYPE),
      post('<a/>', 'xml', ['content-type', 'text/xml']),
      post(binary, 'binary', ['content-type', 'application/octet-stream']),
      post(gzipSync('coded'), 'coded', ['content-type', 'text/plain', 'content-encoding', 'gzip']),
      post('1.0', 'text', ['content-type', 'text/plain']),
      post('', 'empty', FORM_TYPE),
    ];
    assert.deepEqual(
      replay(calls.toReversed(), calls),
      calls.map(({ answer }) => answer),
    );
    assert.deepEqual(
      replay(calls, [post('a=3', '', FORM_TYPE), post('1', '', ['content-type', 'text/plain'])]),
      ['strict-miss 599', 'strict-miss 599'],
    );
  });

  test('headers do not count, whether they are redacted or new', () => {
    const headers = ['authorization', 'Bearer secret', 'x-request-id', '1', 'traceparent', '00-1'];
    const document = caseOf([{ hop: { headers }, answer: 'yes' }], new Redactor());
    assert.equal(new Replay(document).answer({ hop: { headers: ['x-request-id', '2'] } }), 'yes');
    assert.doesNotMatch(JSON.stringify(rulesFromCase(document).rules[0]?.when), /redacted|x-request-id/);
  });

  test('redacted parts of a body do not count, the others do', () => {
    const login = (user: string, password: string, answer = '') =>
      post(JSON.stringify({ user, login: { password, 'it\'s "it"': [1, { user }] } }), answer);
    const redactor = new Redactor({ bodyPaths: ['$..password'] });
    const document = caseOf([login('ann', 'a', 'Ann'), login('bob', 'b', 'Bob')], redactor);
    const again = new Replay(document);
    assert.deepEqual(again.answers([login('bob', 'b2'), login('ann', 'a2'), login('eve', 'a')]), [
      'Bob',
      'Ann',
      'strict-miss 599',
    ]);
  });

  test('of two redacted bodies that fit, the one of which more is known goes first', () => {
    const [one, two] = [
      { user: 'ann', password: 'a' },
      { user: 'ann', password: 'b', code: 7 },
    ].map((body) => JSON.stringify(body));
    const recorded = [post(two ?? '', 'with code'), post(one ?? '', 'without')];
    for (const calls of [recorded, recorded.toReversed()]) {
      const again = new Replay(caseOf(calls, new Redactor({ bodyPaths: ['$.password'] })));
      assert.deepEqual(again.answers(recorded), ['with code', 'without']);
    }
  });

  test('a body of which nothing is left but placeholders, or names that no path can have, does not count', () => {
    const redactor = new Redactor({ bodyPaths: ['$..password'] });
    for (const [recorded, body] of [
      ['{"password":"a"}', '{"password":"b"}'],
      ['broken {"password', 'broken {"passwort'],
      ['{"\\ud800":1,"password":"a"}', '{"\\ud800":2,"password":"b"}'],
    ] as const) {
      assert.equal(new Replay(caseOf([post(recorded, 'yes')], redactor)).answer(post(body)), 'yes');
    }
  });

  test('a body that was cut in the recording does not count', () => {
    const cut: Call = {
      ...post('', 'yes'),
      parts: { requestBody: { bytes: Buffer.from('{"a"'), size: 99, truncated: true } },
    };
    assert.deepEqual(replay([cut, post('{}', 'whole')], [post('{"a":"long"}'), post('{}')]), [
      'yes',
      'whole',
    ]);
  });

  test('methods are the same in either case, as they are for rules', () => {
    const calls = ['get', 'GET', 'get'].map((method, at) => ({ hop: { method }, answer: String(at) }));
    assert.deepEqual(replay(calls), ['0', '1', '2']);
  });

  test('bodies that cannot be recognised get their answers in the recorded order', () => {
    const upload = (boundary: string, answer = '') =>
      post(`--${boundary}--`, answer, ['content-type', `multipart/form-data; boundary=${boundary}`]);
    const recorded = [upload('x1', 'first'), post('{}', 'json'), upload('x2', 'second')];
    assert.deepEqual(replay(recorded, [upload('y1'), post('{}'), upload('y2'), upload('y3')]), [
      'first',
      'json',
      'second',
      'second',
    ]);
  });

  test('on demand an unknown body gets the answers of its URL in the recorded order', () => {
    const recorded = [post('{"id":1}', 'first'), post('{"id":2}', 'second'), get('/a', 'get')];
    const calls = [post('{"id":8}'), post('{"id":2}'), post('{"id":9}'), post('{"id":1}'), get('/a')];
    assert.deepEqual(replay(recorded, calls, { unknownBody: 'recorded-order' }), [
      'first',
      'second',
      'second',
      'first',
      'get',
    ]);
    assert.equal(replay(recorded, [post('{"id":8}')])[0], 'strict-miss 599');
  });

  test('JSON that nests too deeply for a rule is compared as text', () => {
    const deep = '['.repeat(5000) + ']'.repeat(5000);
    assert.deepEqual(replay([post('[]', 'flat'), post(deep, 'deep')], [post(deep), post('[]')]), [
      'deep',
      'flat',
    ]);
  });
});

describe('the same request made several times', () => {
  test('gets its answers in the recorded order, and the last one from then on', () => {
    const recorded = ['3', '2', '2', '1', '1'].map((left) => get('/items/7', left));
    const document = caseOf(recorded);
    assert.deepEqual(new Replay(document).answers([...recorded, get('/items/7')]), [
      '3',
      '2',
      '2',
      '1',
      '1',
      '1',
    ]);
    assert.deepEqual(
      rulesFromCase(document).rules.map(({ name, consume }) => [name, consume]),
      [
        ['GET /items/7 (4 of 4)', undefined],
        ['GET /items/7 (3 of 4)', 'once'],
        ['GET /items/7 (2 of 4)', 'once'],
        ['GET /items/7 (1 of 4)', 'once'],
      ],
    );
  });

  test('is one rule where only the date of its answers differs', () => {
    const dated = (date: string): Call => ({
      hop: {},
      parts: { response: recordedResponse(['date', date], 'same') },
    });
    const { rules } = rulesFromCase(caseOf([dated('Mon'), dated('Tue'), dated('Wed')]));
    assert.deepEqual(
      rules.map(({ consume, then }) => [consume, then.response?.headers?.date]),
      [[undefined, 'Mon']],
    );
  });

  test('is in the order in which the requests started, wherever they stand in the file', () => {
    const document = caseOf([get('/a', 'first'), get('/a', 'second')]);
    document.traces.reverse();
    assert.deepEqual(new Replay(document).answers([get('/a'), get('/a')]), ['first', 'second']);
  });
});

describe('hops that failed', () => {
  const failed = (type: string, hop: Partial<Hop> = {}): Call => ({
    hop,
    parts: { response: undefined, failure: { type, message: 'why' }, outcome: 'proxy-error' },
  });

  test('are answered as the proxy had answered them', () => {
    assert.deepEqual(replay([failed('ECONNREFUSED'), failed('timeout'), { hop: {}, answer: 'at last' }]), [
      'error 502',
      'error 504',
      'at last',
    ]);
  });

  test('come before their retry, though their body could not be recorded', () => {
    const lost = failed('ECONNREFUSED', {
      method: 'POST',
      path: '/graphql',
      headers: ['content-length', '7', ...JSON_TYPE],
    });
    const calls = [post('{"a":1}'), post('{"a":1}'), post('{"a":2}')];
    assert.deepEqual(replay([lost, post('{"a":1}', 'one'), post('{"a":2}', 'two')], calls), [
      'error 502',
      'one',
      'two',
    ]);
    assert.deepEqual(replay([post('{"a":1}', 'one'), lost], [post('{"a":1}'), post('{"a":1}')]), [
      'one',
      'error 502',
    ]);
    assert.deepEqual(replay([lost], [post('{"a":1}')]), ['error 502']);
  });
});

describe('hops that are left out', () => {
  test('those of which the answer is not known are told with the reason', () => {
    const { rules, skipped } = rulesFromCase(
      caseOf([
        get('/whole', 'yes'),
        {
          hop: { path: '/cut' },
          parts: {
            response: { ...recordedResponse(), body: { bytes: Buffer.from('a'), size: 9, truncated: true } },
          },
        },
        { hop: { path: '/broken' }, parts: { failure: { type: 'aborted', message: '' } } },
        { hop: { method: 'CONNECT', host: 'db.example:5432', path: '' } },
        { hop: { path: '/socket' }, parts: { response: recordedResponse([], '', 101) } },
        { hop: { path: '/blocked', query: 'a=b' }, parts: { outcome: 'strict-miss' } },
        {
          hop: { path: '/slow' },
          parts: { response: undefined, failure: { type: 'unfinished', message: '' } },
        },
        { hop: { path: '/host', host: 'no host' } },
        { hop: { path: '/odd' }, parts: { response: recordedResponse([], '', 1000) } },
      ]),
    );
    assert.deepEqual(
      rules.map(({ name }) => name),
      ['GET /whole'],
    );
    const expected: [number, string, RegExp][] = [
      [2, 'GET http://stock.example:8090/cut', /1 of 9 bytes.*--max-recorded-body/],
      [3, 'GET http://stock.example:8090/broken', /ended with aborted/],
      [4, 'CONNECT http://db.example:5432/', /tunnel/],
      [5, 'GET http://stock.example:8090/socket', /upgraded/],
      [6, 'GET http://stock.example:8090/blocked?a=b', /policy/],
      [7, 'GET http://stock.example:8090/slow', /in flight/],
      [8, 'GET http://no host/host', /expected a host/],
      [9, 'GET http://stock.example:8090/odd', /<= 999/],
    ];
    assert.equal(skipped.length, expected.length);
    for (const [at, [index, request, reason]] of expected.entries()) {
      assert.deepEqual([skipped[at]?.index, skipped[at]?.request], [index, request]);
      assert.match(skipped[at]?.reason ?? '', reason);
    }
  });

  test('inbound hops, unless they are asked for, and what `when` does not name', () => {
    const document = caseOf([get('/a', 'a'), { hop: { direction: 'inbound', path: '/b' } }, get('/c', 'c')]);
    const names = (options: CaseRulesOptions) =>
      rulesFromCase(document, options).rules.map(({ name }) => name);
    assert.deepEqual(names({}), ['GET /a', 'GET /c']);
    assert.deepEqual(names({ when: { path: '/c' } }), ['GET /c']);
    assert.deepEqual(names({ direction: 'inbound' }), ['GET /b']);
    assert.deepEqual(names({ when: { path: '/none' } }), []);
    const misspelt = { pathh: '/c' } as object;
    assert.throws(() => rulesFromCase(document, { when: misspelt }), InvalidDocumentError);
  });

  test('lookups that a proxy recorded', () => {
    const document = caseOf([get('/a', 'a')]);
    const text = JSON.stringify(document).replace('"extract"', '"inject"');
    assert.deepEqual(rulesFromCase(JSON.parse(text)), { rules: [], skipped: [] });
  });
});

describe('any recording', () => {
  const bodies: readonly Pick<Call, 'body' | 'hop'>[] = [
    { body: '', hop: { headers: [] } },
    { body: '{"a":1}', hop: { headers: JSON_TYPE } },
    { body: '{"a":1,"b":{"c":[]}}', hop: { headers: [] } },
    { body: 'a=1', hop: { headers: FORM_TYPE } },
    { body: gzipSync('{"a":3}'), hop: { headers: [...JSON_TYPE, 'content-encoding', 'gzip'] } },
    { body: Buffer.from([0, 254, 3]), hop: { headers: [] } },
  ];
  const arbitraryRequest = fc
    .record({
      body: fc.constantFrom(...bodies),
      url: fc.record({
        scheme: fc.constantFrom('http' as const, 'https' as const),
        host: fc.constantFrom('a.example', 'a.example:8080', 'b.example'),
        path: fc.constantFrom('/a', '/b'),
        query: fc.constantFrom(undefined, '', 'x=1', 'x=1&y=2'),
      }),
      method: fc.constantFrom('POST', 'PUT'),
    })
    .map(({ body: { body, hop }, url, method }) => ({
      ...(body !== undefined && { body }),
      hop: { ...hop, ...url, method: body === '' && method === 'PUT' ? 'GET' : method },
    }));
  const arbitraryRecording = fc.array(
    fc.record({
      request: arbitraryRequest,
      answer: fc.constantFrom('1', '2', '3', 'ECONNREFUSED'),
      repeats: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 20 },
  );

  function recordingOf(made: readonly { request: Call; answer: string; repeats: number }[]): Call[] {
    return made.flatMap(({ request, answer, repeats }) => {
      const length = String(Buffer.from(request.body ?? '').length);
      const hop = { ...request.hop, headers: [...(request.hop.headers ?? []), 'content-length', length] };
      const call: Call =
        answer === 'ECONNREFUSED'
          ? { ...request, hop, parts: { response: undefined, failure: { type: answer, message: '' } } }
          : { ...request, hop, answer };
      return Array.from({ length: repeats }, () => call);
    });
  }

  test('replays to the same answers in the same order', () => {
    fc.assert(
      fc.property(arbitraryRecording, (made) => {
        const calls = recordingOf(made);
        assert.deepEqual(
          replay(calls),
          calls.map(({ answer }) => answer ?? 'error 502'),
        );
      }),
    );
  });

  test('answers nothing that was not recorded', () => {
    const identity = ({ hop: { method, host = '', scheme, path, query }, body = '' }: Call) => {
      // The name without a port is its scheme's port; with one, the scheme makes no difference.
      const origin = host.includes(':') ? host : `${host} ${scheme}`;
      return JSON.stringify([method, origin, path, query ?? null, Buffer.from(body).toString('hex')]);
    };
    fc.assert(
      fc.property(
        arbitraryRecording,
        fc.array(arbitraryRequest, { minLength: 20, maxLength: 20 }),
        (made, asked) => {
          // Both schemes of each host: a host that was recorded with one port only is matched without.
          const calls = [
            ...recordingOf(made),
            ...['a.example', 'b.example'].flatMap((host) =>
              (['http', 'https'] as const).map((scheme) => ({ hop: { host, scheme, path: '/other' } })),
            ),
          ];
          const known = new Set(calls.map(identity));
          const again = new Replay(caseOf(calls));
          for (const call of asked) {
            assert.equal(
              again.answer(call) === 'strict-miss 599',
              !known.has(identity(call)),
              identity(call),
            );
          }
        },
      ),
    );
  });
});
