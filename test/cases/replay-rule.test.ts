import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import {
  type CaseDocument,
  decodeContent,
  type Exchange,
  findInCase,
  IncompleteRecordingError,
  type Rule,
  ruleFromHit,
  tracesFromExchange,
  validateDocument,
} from '../../src/cases/index.ts';
import { exchangeWith, recordedBody, recordedResponse } from './support/exchange.ts';

/** The rule made from the exchange as it was captured, and from what its case says of it: they must agree. */
function ruleOf(exchange: Exchange): Rule {
  const document: CaseDocument = { version: '1.0.0', caseId: 'c', traces: [tracesFromExchange(exchange)] };
  const rule = ruleFromHit(findInCase(document, {}));
  assert.deepEqual(ruleFromHit(exchange), rule);
  return validateDocument('rules', { rules: [rule] }).rules[0] ?? assert.fail();
}

describe('ruleFromHit', () => {
  test('matches the hop and answers as it was answered', () => {
    const exchange = exchangeWith({
      hop: { direction: 'inbound', method: 'POST', path: '/a', query: 'b=%20' },
      response: recordedResponse(
        [
          ...[
            'Content-Type',
            'application/json',
            'Content-Length',
            '8',
            'Date',
            'now',
            'Connection',
            'close',
          ],
          ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Transfer-Encoding', 'chunked', '__proto__', 'x'],
        ],
        '{"a":1}\n',
        201,
      ),
    });
    assert.deepEqual(ruleOf(exchange), {
      name: 'POST /a',
      when: { direction: 'inbound', method: 'POST', host: 'stock.example:8090', path: '/a?b=%20' },
      then: {
        action: 'mock',
        response: {
          status: 201,
          headers: Object.fromEntries([
            ['content-type', 'application/json'],
            ['date', 'now'],
            ['set-cookie', ['a=1', 'b=2']],
            ['__proto__', 'x'],
          ]),
          body: '{"a":1}\n',
        },
      },
    });
  });

  test('an empty query is kept, and no host is no predicate', () => {
    const { when } = ruleOf(exchangeWith({ hop: { path: '/a', query: '', host: '' } }));
    assert.deepEqual(when, { direction: 'outbound', method: 'GET', path: '/a?' });
  });

  test('keeps the length that speaks of a body which was not sent', () => {
    const response = recordedResponse(['content-length', '1234'], '', 200);
    const { then } = ruleOf(exchangeWith({ hop: { method: 'HEAD' }, response }));
    assert.deepEqual(then.response, { status: 200, headers: { 'content-length': '1234' } });
  });

  test('overrides add predicates, labels and parts of the response', () => {
    const rule = ruleFromHit(exchangeWith(), {
      id: 'stock',
      consume: 'once',
      when: { headers: { 'x-a': '1' }, host: 'other' },
      response: { status: 503, body: { busy: true } },
    });
    assert.deepEqual(rule, {
      name: 'GET /items/7',
      id: 'stock',
      consume: 'once',
      when: {
        direction: 'outbound',
        method: 'GET',
        host: 'other',
        path: '/items/7',
        headers: { 'x-a': '1' },
      },
      then: {
        action: 'mock',
        response: { status: 503, headers: { 'content-type': 'application/json' }, body: { busy: true } },
      },
    });
  });

  test('takes what the caller changed in the response of a hit', () => {
    const document = { version: '1.0.0', caseId: 'c', traces: [tracesFromExchange(exchangeWith())] };
    const hit = findInCase(document, {});
    hit.response.body = hit.response.body.replace('3', '0');
    hit.response.status = 299;
    const { response } = ruleFromHit(hit).then;
    assert.deepEqual([response?.status, response?.body], [299, '{"left":0}']);
  });
});

describe('content-coded bodies', () => {
  const responseOf = (type: string, coding: string, bytes: Uint8Array) =>
    ruleOf(
      exchangeWith({ response: recordedResponse(['content-type', type, 'content-encoding', coding], bytes) }),
    ).then.response;

  test('text is given decoded, to be coded again', () => {
    const response = responseOf('text/plain', 'gzip', gzipSync('text'));
    assert.deepEqual([response?.body, response?.bodyEncoding], ['text', undefined]);
    assert.deepEqual(response?.headers, { 'content-type': 'text/plain', 'content-encoding': 'gzip' });
  });

  test('what could not be decoded is given as it came', () => {
    for (const bytes of [
      Buffer.from('plain'),
      Buffer.concat([gzipSync('abc').subarray(0, 12), Buffer.from('??')]),
    ]) {
      const response = responseOf('text/plain', 'gzip', bytes);
      assert.deepEqual([response?.body, response?.bodyEncoding], [bytes.toString('base64'), 'base64']);
    }
  });

  test('an archive inside the coding does not lose a layer', () => {
    const archive = gzipSync('file');
    const response = responseOf('application/gzip', 'gzip', gzipSync(archive));
    assert.equal(response?.bodyEncoding, 'base64');
    const sent = Buffer.from(String(response?.body), 'base64');
    assert.deepEqual(decodeContent(sent, 'gzip'), archive);
  });

  test('codings without a signature are left to the sender', () => {
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47]);
    const exchange = exchangeWith({
      response: recordedResponse(['content-type', 'image/png', 'content-encoding', 'br'], png),
    });
    const response = ruleFromHit({
      ...exchange,
      response: exchange.response && { ...exchange.response, body: { ...recordedBody(png), decoded: true } },
    }).then.response;
    assert.equal(response?.body, png.toString('base64'));
  });
});

describe('hops that did not end well', () => {
  test('one that failed before any response is answered with the error that its client saw', () => {
    const failed = (type: string) =>
      ruleOf(exchangeWith({ response: undefined, failure: { type, message: 'why' } })).then;
    assert.deepEqual(failed('ECONNREFUSED'), {
      action: 'error',
      error: {
        status: 502,
        headers: { 'content-type': 'application/json' },
        body: { error: { code: 'ECONNREFUSED', message: 'why' } },
      },
    });
    assert.equal(failed('timeout').error?.status, 504);
    assert.equal(failed('ETIMEDOUT').error?.status, 504);
  });

  test('a response that broke off or was cut cannot be replayed, and the error says what to do', () => {
    const broken = exchangeWith({ failure: { type: 'aborted', message: '' } });
    assert.throws(() => ruleFromHit(broken), {
      name: 'IncompleteRecordingError',
      message: /ended with aborted/,
    });
    const response = { ...recordedResponse(), body: { bytes: Buffer.from('ab'), size: 9, truncated: true } };
    assert.throws(
      () => ruleFromHit(exchangeWith({ response })),
      (error) =>
        error instanceof IncompleteRecordingError && /2 of 9 bytes .*--max-recorded-body/.test(error.message),
    );
  });

  test('unless the caller gives another body', () => {
    const broken = exchangeWith({ failure: { type: 'aborted', message: '' } });
    assert.equal(ruleFromHit(broken, { response: { body: 'whole' } }).then.response?.body, 'whole');
  });
});
