import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { JSONPathEnvironment } from 'json-p3';
import { compileJsonPath, JsonPathSyntaxError } from '../../src/cases/json-path.ts';
import { JsonPathLimitError } from '../../src/cases/json-path-evaluation.ts';

function parse(text: string): unknown {
  return JSON.parse(text);
}

const store = parse(`{"store": {
  "book": [
    {"title": "A", "price": 8.95, "tags": ["x", "y"]},
    {"title": "B\\nC", "price": 12.99},
    {"title": "😀", "price": null, "isbn": "0-553"}
  ],
  "bicycle": {"color": "red", "price": 399}
}, "limit": 10, "__proto__": {"polluted": true}, "constructor": 1}`);

function values(path: string, document: unknown = store): unknown[] {
  return compileJsonPath(path)
    .select(document)
    .map(({ value }) => value);
}

describe('compileJsonPath', () => {
  const selections: [path: string, expected: unknown[]][] = [
    ['$.limit', [10]],
    ["$['limit']", [10]],
    ['$.nothing', []],
    ['$.limit.deeper', []],
    ['$.store.book[0].title', ['A']],
    ['$.store.book[-1].isbn', ['0-553']],
    ['$.store.book[-4]', []],
    ['$.store.book[3]', []],
    ['$.store.book[*].price', [8.95, 12.99, null]],
    ['$.store.book[0,0].title', ['A', 'A']],
    ['$.store.book[0:2].price', [8.95, 12.99]],
    ['$.store.book[::-1].price', [null, 12.99, 8.95]],
    ['$.store.book[5:0:-2].price', [null]],
    ['$.store.book[::0]', []],
    ['$.store.book[0].tags[1:]', ['y']],
    ['$..price', [8.95, 12.99, null, 399]],
    ['$..tags[0]', ['x']],
    ['$.store.book[?@.isbn].price', [null]],
    ['$.store.book[?!@.isbn].price', [8.95, 12.99]],
    ['$.store.book[?@.price < $.limit].title', ['A']],
    ['$.store.book[?@.price >= 12.99].price', [12.99]],
    ['$.store.book[?@.price == null].isbn', ['0-553']],
    ["$.store.book[?@.title == 'A' || @.isbn].price", [8.95, null]],
    ["$.store.book[?@.title > 'A' && @.price].price", [12.99, null]],
    ['$.store.book[?@.isbn == @.none].price', [8.95, 12.99]],
    ['$.store.book[?@.none != 1].price', [8.95, 12.99, null]],
    ['$.store.book[?length(@.title) == 1].price', [8.95, null]],
    ['$.store.book[?count(@.*) == 2].price', [12.99]],
    ['$.store.book[?value(@.tags[0]) == "x"].price', [8.95]],
    ["$.store.book[?match(@.title, 'B.C')].price", []],
    ["$.store.book[?match(@.isbn, '0-5+3')].isbn", ['0-553']],
    ["$.store.book[?search(@.isbn, '5+')].isbn", ['0-553']],
    ["$.store.book[?match(@.isbn, '5+')].isbn", []],
    ["$['__proto__'].polluted", [true]],
    ['$.constructor', [1]],
    ['$.store.constructor', []],
    ['$.store.book.length', []],
  ];
  for (const [path, expected] of selections) {
    it(`${path} selects ${JSON.stringify(expected)}`, () => assert.deepEqual(values(path), expected));
  }

  it('tells where the selected values stand', () => {
    const [title] = compileJsonPath('$..title').select(store, 1);
    assert.deepEqual(title?.location, ['store', 'book', 0, 'title']);
    assert.deepEqual(compileJsonPath('$').select(store), [{ value: store, location: [] }]);
  });

  it('selects no more than asked for', () => {
    assert.equal(compileJsonPath('$..*').select(store, 3).length, 3);
    assert.deepEqual(compileJsonPath('$..*').select(store, 0), []);
  });

  it('tells whether some selected value passes a test', () => {
    assert.equal(
      compileJsonPath('$..price').some(store, (value) => value === 399),
      true,
    );
    assert.equal(
      compileJsonPath('$..price').some(store, (value) => value === 400),
      false,
    );
    assert.equal(compileJsonPath('$..none').selectsAny(store), false);
  });

  it('takes a pattern from the value, and a bad one matches nothing', () => {
    const document = parse('[{"v": "abc", "p": "a.c"}, {"v": "abc", "p": "("}, {"v": "abc", "p": 1}]');
    assert.equal(values('$[?match(@.v, @.p)]', document).length, 1);
  });

  it('selects what json-p3 selects in random documents', () => {
    const reference = new JSONPathEnvironment();
    const paths = [
      '$..a',
      '$.*',
      '$..*',
      '$[*].b',
      '$..[?@.a]',
      '$[?@.a==@.b]',
      '$[-2:]',
      '$[::-2]',
      '$..[0]',
      '$..[1:3]',
      '$[?count(@..*)>2]',
      "$[?@<'c']",
      '$[?!(@.a>1)]',
      '$..[?length(@)>=2].a',
    ];
    const document = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom(null, true, 0, 1, 2.5, 'b', 'cc', ''),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { noNullPrototype: true }),
      ),
    })).value;
    fc.assert(
      fc.property(document, fc.constantFrom(...paths), (value, path) => {
        const expected = reference.query(path, value as never).nodes;
        assert.deepEqual(
          compileJsonPath(path).select(value),
          expected.map((node) => ({ value: node.value, location: node.location })),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('refuses paths that are none, naming them and the reason', () => {
    const cases: [string, RegExp][] = [
      ['', /must begin with `\$`/],
      ['@.a', /must begin with `\$`.*filters only/],
      ['store', /must begin with `\$`/],
      ['$[', /unclosed bracketed selection at character 3/],
      ['$.a b', /at character 5/],
      ['$[?nope(@)]', /no such function 'nope'/],
      ['$[?length(@.*)>1]', /ValueType/],
      ["$[?match(@, '(')]", /regular expression "\(" is not valid/],
      ["$[?search(@, '(?=a)')]", /lookahead/],
      ['$[01]', /leading zero/],
      [`$${'.a'.repeat(2000)}`, /at most 2048/],
      [`$[?${'!'.repeat(2000)}(]`, /./],
    ];
    for (const [path, reason] of cases) {
      assert.throws(
        () => compileJsonPath(path),
        (error) => {
          assert.ok(error instanceof JsonPathSyntaxError);
          assert.match(error.message, reason);
          return true;
        },
      );
    }
  });

  it('gives up a path that multiplies the nodes of a large value', () => {
    const large = Array.from({ length: 3000 }, (_, index) => ({
      index,
      rows: [
        [1, [2]],
        [3, { four: [4] }],
      ],
    }));
    for (const path of [
      '$..*..*..*..none',
      '$[?@..*..*..*..none]',
      '$..[?count($..*) == 0]',
      `$${'..*'.repeat(300)}.none`,
    ]) {
      // Either the budget ends it or the value runs out first; what must not happen is that it goes on.
      try {
        assert.equal(compileJsonPath(path).selectsAny(large), false);
      } catch (error) {
        assert.ok(error instanceof JsonPathLimitError);
      }
    }
    assert.throws(() => compileJsonPath('$[?count($..*) == 0]').selectsAny(large), JsonPathLimitError);
  });

  it('walks values that nest deeper than any call stack', () => {
    const deep = parse('['.repeat(200_000) + ']'.repeat(200_000));
    assert.equal(compileJsonPath('$..none').selectsAny(deep), false);
    assert.equal(compileJsonPath('$..*').select(deep, 1000).length, 1000);
  });
});
