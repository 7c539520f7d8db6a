import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type RawHeaders,
  Redactor,
  type RedactorOptions,
  tracesFromExchange,
} from '../../src/cases/index.ts';
import { attributesOf, onlySpan } from './support/attributes.ts';
import { type ExchangeParts, exchangeWith, recordedBody, recordedResponse } from './support/exchange.ts';

const PLACEHOLDER = /\[redacted:[0-9a-f]{12}\]/;
const key = Buffer.alloc(32, 7);

function redacted(parts: ExchangeParts, options: RedactorOptions = { key }): Map<string, unknown> {
  return attributesOf(tracesFromExchange(exchangeWith(parts), new Redactor(options)));
}

function redactedRequest(headers: RawHeaders, options?: RedactorOptions): (name: string) => string {
  const attributes = redacted({ hop: { headers } }, options);
  return (name) => String(attributes.get(`http.request.header.${name}`));
}

describe('headers', () => {
  test('what gives access is hidden, whatever the case of its name; the rest is not', () => {
    const field = redactedRequest([
      'X-API-Key',
      'k1',
      'x-csrf-token',
      't1',
      'X-Amz-Security-Token',
      's',
      'X-Id',
      '7',
    ]);
    for (const name of ['x-api-key', 'x-csrf-token', 'x-amz-security-token']) {
      assert.match(field(name), /^\[redacted:[0-9a-f]{12}\]$/);
    }
    assert.equal(field('x-id'), '7');
  });

  test('credentials keep the word of their scheme', () => {
    const ofValue = (value: string) => redactedRequest(['Authorization', value])('authorization');
    assert.match(ofValue('Bearer abc.def'), /^Bearer \[redacted:[0-9a-f]{12}\]$/);
    assert.match(ofValue('basic dXNlcjpwYXNz'), /^basic \[redacted:[0-9a-f]{12}\]$/);
    assert.match(
      ofValue('AWS4-HMAC-SHA256 Credential=a, Signature=b'),
      /^AWS4-HMAC-SHA256 \[redacted:[0-9a-f]{12}\]$/,
    );
  });

  test('a credential without a scheme is hidden whole, also where it has a space', () => {
    const ofValue = (value: string) => redactedRequest(['Authorization', value])('authorization');
    assert.match(ofValue('s3cret'), /^\[redacted:[0-9a-f]{12}\]$/);
    assert.match(ofValue('correct horse'), /^\[redacted:[0-9a-f]{12}\]$/);
    assert.match(ofValue('Bearer'), /^\[redacted:[0-9a-f]{12}\]$/);
  });

  test('cookies keep their names', () => {
    const value = redactedRequest(['Cookie', 'sid=abc; theme=dark=er;empty=; lonely'])('cookie');
    assert.match(value, /^sid=\[redacted:\w{12}\]; theme=\[redacted:\w{12}\];empty=; *\[redacted:\w{12}\]$/);
  });

  test('set-cookie keeps name and attributes, in each of several fields', () => {
    const headers = ['Set-Cookie', 'sid=abc; Path=/; HttpOnly', 'Set-Cookie', 'b="q"; Max-Age=1'];
    const value = redacted({ response: recordedResponse(headers) }).get('http.response.header.set-cookie');
    assert.ok(Array.isArray(value));
    assert.match(value[0], /^sid=\[redacted:\w{12}\]; Path=\/; HttpOnly$/);
    assert.match(value[1], /^b=\[redacted:\w{12}\]; Max-Age=1$/);
  });

  test('an empty value hides nothing', () => {
    assert.equal(redactedRequest(['Authorization', ''])('authorization'), '');
  });

  test('more names can be given, and trailers count', () => {
    const options = { key, headers: ['X-Internal'] };
    const attributes = redacted(
      { hop: { headers: ['x-internal', 'a'] }, requestTrailers: ['X-Internal', 'a'] },
      options,
    );
    assert.match(String(attributes.get('http.request.header.x-internal')), PLACEHOLDER);
    assert.equal(
      attributes.get('http.request.trailer.x-internal'),
      attributes.get('http.request.header.x-internal'),
    );
  });

  test('what an exchange wants hidden beyond that is hidden in it alone', () => {
    const redactor = new Redactor();
    const redaction = { headers: ['x-note'], bodyPaths: ['$.left'] };
    const headers = ['X-Note', 'n'];
    const hidden = attributesOf(tracesFromExchange(exchangeWith({ hop: { headers }, redaction }), redactor));
    assert.match(String(hidden.get('http.request.header.x-note')), PLACEHOLDER);
    assert.match(String(hidden.get('http.response.body')), PLACEHOLDER);
    const other = attributesOf(tracesFromExchange(exchangeWith({ hop: { headers } }), redactor));
    assert.equal(other.get('http.request.header.x-note'), 'n');
    assert.equal(other.get('http.response.body'), '{"left":3}');
  });
});

describe('placeholders', () => {
  test('the same secret has the same one within a capture, wherever it stands', () => {
    const field = redactedRequest([
      'Authorization',
      'Bearer abc',
      'X-Api-Key',
      'abc',
      'Cookie',
      'a=abc; b=abd',
    ]);
    const placeholder = field('x-api-key');
    assert.equal(field('authorization'), `Bearer ${placeholder}`);
    assert.ok(field('cookie').startsWith(`a=${placeholder}; b=[redacted:`));
    assert.ok(!field('cookie').endsWith(placeholder));
  });

  test('another capture has others, so that nobody can compute them', () => {
    const ofCapture = () => new Redactor().placeholder('abc');
    assert.notEqual(ofCapture(), ofCapture());
    assert.equal(new Redactor({ key }).placeholder('abc'), new Redactor({ key }).placeholder('abc'));
    assert.notEqual(
      new Redactor({ key }).placeholder('abc'),
      new Redactor({ key: Buffer.alloc(32) }).placeholder('abc'),
    );
  });

  test('redacting twice changes nothing, also with another key, and no secret is left', () => {
    const secret = fc.string({
      unit: fc.constantFrom(...'abcdefXYZ0123456789-._~+/='),
      minLength: 12,
      maxLength: 40,
    });
    fc.assert(
      fc.property(
        secret,
        fc.constantFrom('authorization', 'cookie', 'set-cookie', 'x-api-key'),
        (value, name) => {
          const headers = [name, name === 'authorization' ? `Bearer ${value}` : `a${value}=s3cr3t-v4lue`];
          const options = { key, bodyPaths: ['$.token', '$.list[*]'] };
          const traces = tracesFromExchange(
            exchangeWith({
              hop: { headers },
              requestBody: recordedBody(JSON.stringify({ token: value, list: [value, 1] })),
            }),
            new Redactor(options),
          );
          assert.deepEqual(new Redactor({ ...options, key: Buffer.alloc(32) }).redactTraces(traces), traces);
          const text = JSON.stringify(traces);
          assert.ok(!text.includes('s3cr3t-v4lue'));
          if (name === 'authorization') assert.ok(!text.includes(value));
        },
      ),
    );
  });
});

describe('bodies', () => {
  function bodyOf(
    content: string | Uint8Array,
    bodyPaths: string[],
    headers: RawHeaders = [],
  ): [unknown, unknown] {
    const response = recordedResponse(['Content-Type', 'application/json', ...headers], content);
    const attributes = redacted({ response }, { key, bodyPaths });
    return [attributes.get('http.response.body'), attributes.get('http.response.body.encoding')];
  }
  const placeholderOf = (secret: string) => new Redactor({ key }).placeholder(secret);

  test('selected values become placeholders, all else stays to the letter', () => {
    const [body] = bodyOf('{ "id": 12345678901234567890, "user": {"token":"abc", "pin": 42} }', [
      '$..token',
      '$.user.pin',
      '$.missing',
    ]);
    assert.equal(
      body,
      `{ "id": 12345678901234567890, "user": {"token":"${placeholderOf('abc')}", "pin": "${placeholderOf('42')}"} }`,
    );
  });

  test('a body that the path does not concern stays as it is', () => {
    assert.deepEqual(bodyOf('{"a" : 1}', ['$.b']), ['{"a" : 1}', undefined]);
  });

  test('JSON whose secret cannot be found, because it was cut, is hidden whole', () => {
    const [body] = bodyOf('{"token":"abc","re', ['$.token']);
    assert.equal(body, placeholderOf('{"token":"abc","re'));
  });

  test('JSON that takes too long to search is hidden whole', () => {
    let deep = '1';
    for (let i = 0; i < 2000; i++) deep = `{"a":[${deep},{"b":2}]}`;
    const [body] = bodyOf(deep, ['$..*..*..*..nothing']);
    assert.match(String(body), /^\[redacted:[0-9a-f]{12}\]$/);
  });

  test('JSON that is kept in base64 is redacted too', () => {
    const response = recordedResponse(['Content-Type', 'application/octet-stream'], '{"token":"abc"}');
    const attributes = redacted({ response }, { key, bodyPaths: ['$.token'] });
    assert.equal(attributes.get('http.response.body'), `{"token":"${placeholderOf('abc')}"}`);
    assert.equal(attributes.has('http.response.body.encoding'), false);
  });

  test('a body that is no JSON is left alone', () => {
    const response = recordedResponse(['Content-Type', 'text/plain'], 'token=abc');
    const attributes = redacted({ response }, { key, bodyPaths: ['$.token'] });
    assert.equal(attributes.get('http.response.body'), 'token=abc');
  });

  test('a path that is none is an error when the redactor is made', () => {
    assert.throws(() => new Redactor({ bodyPaths: ['token'] }), {
      name: 'JsonPathSyntaxError',
      message: /"token"/,
    });
  });
});

test('spans from outside are redacted as well, and keep what is not ours', () => {
  const redactor = new Redactor({ key });
  const span = {
    unknown: { x: 1 },
    attributes: [
      { key: 'url.full', value: { stringValue: 'http://me:hunter2@h/a' } },
      { key: 'http.url', value: { stringValue: 'http://me:hunter2@h/a' } },
      { key: 'url.host', value: { stringValue: 'me:hunter2@h' } },
      {
        key: 'http.request.header.Authorization',
        value: { arrayValue: { values: [{ stringValue: 'Bearer hunter2' }] } },
      },
      {
        key: 'http.request.header.x-api-key',
        value: { bytesValue: Buffer.from('hunter2').toString('base64') },
      },
      { key: 'http.request.header.x-auth-token', value: { intValue: '7331733173317331' } },
      { key: 'other', value: { doubleValue: 0.5 }, note: 'kept' },
    ],
  };
  const traces = { resourceSpans: [{ scopeSpans: [{ spans: [span], schemaUrl: 's' }], y: 2 }], z: 3 };
  const before = structuredClone(traces);
  const result = redactor.redactTraces(traces);
  assert.deepEqual(traces, before);
  const text = JSON.stringify(result);
  for (const secret of ['hunter2', Buffer.from('hunter2').toString('base64'), '7331733173317331']) {
    assert.ok(!text.includes(secret), secret);
  }
  assert.equal(attributesOf(result).get('url.full'), 'http://h/a');
  assert.equal(attributesOf(result).get('url.host'), 'h');
  assert.deepEqual(onlySpan(result).unknown, { x: 1 });
  assert.deepEqual(onlySpan(result).attributes?.at(-1), span.attributes.at(-1));
  assert.deepEqual([result.z, result.resourceSpans[0]?.y], [3, 2]);
});
