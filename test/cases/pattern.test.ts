import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileIRegexp, compilePattern, PatternError } from '../../src/cases/pattern.ts';

describe('compilePattern', () => {
  it('matches anywhere in the value, and wholly where asked', () => {
    const pattern = compilePattern('b+');
    assert.equal(pattern.test('abbc'), true);
    assert.equal(pattern.testWhole('abbc'), false);
    assert.equal(pattern.testWhole('bb'), true);
    assert.equal(pattern.test('ac'), false);
  });

  it('knows the syntax that rules use', () => {
    for (const [source, value] of [
      ['^Bearer [A-Za-z0-9._-]+$', 'Bearer abc.def'],
      ['(?i)chrome/\\d+', 'Mozilla Chrome/126'],
      ['^/a\\/b$', '/a/b'],
      ['(?:x|y){2,3}', 'xy'],
      ['\\p{L}é', 'zé'],
    ] as const) {
      assert.equal(compilePattern(source).test(value), true, source);
    }
  });

  // With a backtracking engine each of these would outlive the test run.
  for (const source of ['(a+)+$', '^(a*)*$', '(a|aa)+$', '^(a|a?)+$', '(.*a){20}$', '^([a-zA-Z]+)*$']) {
    it(`answers ${source} against a long value that almost matches`, () => {
      assert.equal(compilePattern(source).test(`${'a'.repeat(50_000)}!`), false);
    });
  }

  it('names what RE2 does not have', () => {
    const cases: [string, RegExp][] = [
      ['(?=a)b', /lookahead and lookbehind/],
      ['(?<!a)b', /lookahead and lookbehind/],
      ['(a)\\1', /backreferences/],
      ['\\u0041', /\\x\{/],
    ];
    for (const [source, reason] of cases) {
      assert.throws(
        () => compilePattern(source),
        (error) => {
          assert.ok(error instanceof PatternError);
          assert.match(error.message, reason);
          assert.ok(error.message.includes(JSON.stringify(source)));
          return true;
        },
      );
    }
  });

  it('refuses malformed and oversized expressions with a PatternError', () => {
    for (const source of [
      '(',
      '[z-a]',
      'a{2,1}',
      '*',
      '\\',
      'a'.repeat(5000),
      '(?:a{1000}){2}',
      '[a-z]{999}[0-9]{999}x{9}',
      '('.repeat(2000),
    ]) {
      assert.throws(() => compilePattern(source), PatternError, source.slice(0, 40));
    }
  });
});

describe('compileIRegexp', () => {
  it('lets an unescaped dot match neither line feed nor carriage return (RFC 9485 section 5.3)', () => {
    const pattern = compileIRegexp('a.b');
    assert.equal(pattern.testWhole('a-b'), true);
    assert.equal(pattern.testWhole('a\nb'), false);
    assert.equal(pattern.testWhole('a\rb'), false);
  });

  it('leaves escaped dots and dots in classes alone', () => {
    assert.equal(compileIRegexp('a\\.b').testWhole('a-b'), false);
    assert.equal(compileIRegexp('a[.]b').testWhole('a.b'), true);
    assert.equal(compileIRegexp('a[.]b').testWhole('a-b'), false);
    assert.equal(compileIRegexp('[\\]].').testWhole(']x'), true);
  });
});
