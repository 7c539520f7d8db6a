import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { JsonSyntaxError, parseJson, replaceInJson } from '../../src/cases/json-text.ts';

describe('parseJson', () => {
  for (const [text, line, column, message] of [
    ['', 1, 1, 'a value, found the end of the text'],
    ['{"a": 1,\n "b": x}', 2, 7, 'a value, found "x"'],
    ['{"a": 1\n "b": 2}', 2, 2, '"," or "}", found "\\""'],
    ['[1, 2', 1, 6, '"," or "]", found the end of the text'],
    ['[1, 2]\n\n]', 3, 1, 'nothing more, found "]"'],
    ['{a: 1}', 1, 2, 'a member name in double quotes, found "a"'],
    ['{"a" 1}', 1, 6, '":", found "1"'],
    ['{"a": "b\nc"}', 1, 9, 'the rest of a string, found "\\n"'],
    ['["\\x"]', 1, 3, 'an escape sequence of JSON, found "\\\\"'],
    ['[1,]', 1, 4, 'a value, found "]"'],
    ['[01]', 1, 3, '"," or "]", found "1"'],
    ['[😀]', 1, 2, 'a value, found "😀"'],
    ['{"a":1,}', 1, 8, 'a member name in double quotes, found "}"'],
  ] as const) {
    test(`says where the mistake is: ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseJson(text), {
        name: 'JsonSyntaxError',
        line,
        column,
        message: `not valid JSON at line ${line}, column ${column}: expected ${message}`,
      });
    });
  }

  test('agrees with JSON.parse on any text made of the pieces of JSON', () => {
    const pieces = [
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '\\u00e9',
      '1',
      '-',
      '0',
      '.5',
      'e3',
      'true',
      'nul',
      ' ',
      '\n',
      'é',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        let expected: unknown = JsonSyntaxError;
        try {
          expected = JSON.parse(text);
        } catch {
          assert.throws(() => parseJson(text), JsonSyntaxError);
          return;
        }
        assert.deepEqual(parseJson(text), expected);
      }),
      { numRuns: 3000 },
    );
  });

  test('a document nested a hundred thousand deep is no stack overflow', () => {
    assert.throws(() => parseJson('['.repeat(100_000)), { name: 'JsonSyntaxError', column: 100_001 });
  });
});

describe('replaceInJson', () => {
  test('leaves all other characters as they are', () => {
    const text = '{ "n": 12345678901234567890,\n\t"a" : [ 1.50, {"b":"\\u0078"} , null ] }\r\n';
    assert.equal(
      replaceInJson(text, [['a', 1, 'b']], () => '"?"'),
      '{ "n": 12345678901234567890,\n\t"a" : [ 1.50, {"b":"?"} , null ] }\r\n',
    );
    assert.equal(
      replaceInJson(text, [['a', 0], ['n']], (source) => `<${source}>`),
      '{ "n": <12345678901234567890>,\n\t"a" : [ <1.50>, {"b":"\\u0078"} , null ] }\r\n',
    );
  });

  test('a value takes those inside it along', () => {
    const locations = [['a', 'b'], ['a'], ['a', 'c', 0]];
    assert.equal(
      replaceInJson('{"a":{"b":1,"c":[2]},"d":3}', locations, () => '0'),
      '{"a":0,"d":3}',
    );
    assert.equal(
      replaceInJson('[1]', [[], [0]], () => '0'),
      '0',
    );
  });

  test('of a member that comes twice, both are replaced', () => {
    assert.equal(
      replaceInJson('{"a":1,"a":2}', [['a']], () => '0'),
      '{"a":0,"a":0}',
    );
  });

  test('an index is not a member name', () => {
    assert.equal(
      replaceInJson('{"0":1}', [[0]], () => '0'),
      '{"0":1}',
    );
    assert.equal(
      replaceInJson('{"__proto__":1}', [['__proto__']], () => '0'),
      '{"__proto__":0}',
    );
  });

  test('replacing any value by itself changes nothing; by null sets it to null', () => {
    const documents = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 });
    fc.assert(
      fc.property(documents, fc.nat(), (document, choice) => {
        const index = choice % document.length;
        const text = JSON.stringify(document, null, 1);
        assert.equal(
          replaceInJson(text, [[index]], (source) => source),
          text,
        );
        const changed: unknown = JSON.parse(replaceInJson(text, [[index]], () => 'null'));
        const expected: unknown = JSON.parse(JSON.stringify(document.with(index, null as never)));
        assert.deepEqual(changed, expected);
      }),
    );
  });
});
