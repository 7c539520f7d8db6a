import { type JSONPathQuery, jsonpath, TokenKind } from 'json-p3';
import { jsonEquals } from './json-equality.ts';
import type { Evaluation, Segment, Selector } from './json-path-evaluation.ts';
import {
  type Filter,
  selectAll,
  selectIndex,
  selectName,
  selectSlice,
  selectWhere,
} from './json-path-selector.ts';
import { compileIRegexp, type Pattern, PatternError } from './pattern.ts';

const { expressions, selectors } = jsonpath;

type Expression = InstanceType<typeof expressions.FilterExpression>;
type Call = InstanceType<typeof expressions.FunctionExtension>;
type Infix = InstanceType<typeof expressions.InfixExpression>;

/** What a comparable is where its query selects no node (RFC 9535 section 2.4.1). */
const NOTHING = Symbol('nothing');

/** A value of a filter: a JSON value or {@link NOTHING}. */
type Comparable = (current: unknown, evaluation: Evaluation) => unknown;

/** Where a query in a filter starts. */
interface FilterQuery {
  readonly segments: readonly Segment[];
  readonly fromRoot: boolean;
}

/**
 * Turns a parsed path into selectors of ours.
 *
 * @throws {PatternError} for a literal regular expression that is not one
 */
export function compileSegments(query: JSONPathQuery): Segment[] {
  return query.segments.map((segment) => ({
    descends: segment.token.kind === TokenKind.DDOT,
    selectors: segment.selectors.map(compileSelector),
  }));
}

function compileSelector(selector: InstanceType<typeof selectors.JSONPathSelector>): Selector {
  if (selector instanceof selectors.NameSelector) return selectName(selector.name);
  if (selector instanceof selectors.WildcardSelector) return selectAll;
  if (selector instanceof selectors.IndexSelector) return selectIndex(selector.index);
  if (selector instanceof selectors.SliceSelector)
    return selectSlice(selector.start, selector.stop, selector.step);
  if (selector instanceof selectors.FilterSelector) return selectWhere(compileLogical(selector.expression));
  throw new TypeError(`unknown selector ${selector.toString()}`);
}

function compileLogical(expression: Expression): Filter {
  if (expression instanceof expressions.LogicalExpression) return compileLogical(expression.expression);
  if (expression instanceof expressions.PrefixExpression) {
    const negated = compileLogical(expression.right);
    return (current, evaluation) => !negated(current, evaluation);
  }
  if (expression instanceof expressions.InfixExpression) return compileInfix(expression);
  if (expression instanceof expressions.FilterQuery) {
    const query = compileQuery(expression);
    return (current, evaluation) =>
      evaluation.walk(query.segments, () => true, startOf(query, current, evaluation));
  }
  if (expression instanceof expressions.FunctionExtension) return compileMatching(expression);
  throw new TypeError(`not a test: ${expression.toString()}`);
}

function compileInfix(expression: Infix): Filter {
  if (expression.operator === '&&' || expression.operator === '||') {
    const left = compileLogical(expression.left);
    const right = compileLogical(expression.right);
    return expression.operator === '&&'
      ? (current, evaluation) => left(current, evaluation) && right(current, evaluation)
      : (current, evaluation) => left(current, evaluation) || right(current, evaluation);
  }
  const compare = comparison(expression.operator);
  const left = compileComparable(expression.left);
  const right = compileComparable(expression.right);
  return (current, evaluation) => compare(left(current, evaluation), right(current, evaluation));
}

function comparison(operator: string): (left: unknown, right: unknown) => boolean {
  switch (operator) {
    case '==':
      return jsonEquals;
    case '!=':
      return (left, right) => !jsonEquals(left, right);
    case '<':
      return isLess;
    case '>':
      return (left, right) => isLess(right, left);
    case '<=':
      return (left, right) => isLess(left, right) || jsonEquals(left, right);
    case '>=':
      return (left, right) => isLess(right, left) || jsonEquals(left, right);
    default:
      throw new TypeError(`unknown operator ${operator}`);
  }
}

/** Numbers with numbers, strings with strings by code points; nothing else is ordered (section 2.3.5.2.2). */
function isLess(left: unknown, right: unknown): boolean {
  if (typeof left === 'number' && typeof right === 'number') return left < right;
  if (typeof left === 'string' && typeof right === 'string') return left < right;
  return false;
}

function compileComparable(expression: Expression): Comparable {
  if (expression instanceof expressions.NullLiteral) return () => null;
  if (
    expression instanceof expressions.BooleanLiteral ||
    expression instanceof expressions.StringLiteral ||
    expression instanceof expressions.NumberLiteral
  ) {
    const { value } = expression;
    return () => value;
  }
  if (expression instanceof expressions.FilterQuery) return singleValue(compileQuery(expression));
  if (expression instanceof expressions.FunctionExtension) return compileFunction(expression);
  throw new TypeError(`not comparable: ${expression.toString()}`);
}

/** The functions that give a value: `length`, `count` and `value` (RFC 9535 section 2.4). */
function compileFunction(call: Call): Comparable {
  switch (call.name) {
    case 'length': {
      const argument = compileComparable(argumentOf(call, 0));
      return (current, evaluation) => lengthOf(argument(current, evaluation), evaluation);
    }
    case 'count': {
      const query = compileQuery(argumentOf(call, 0));
      return (current, evaluation) => {
        let count = 0;
        evaluation.walk(
          query.segments,
          () => {
            count++;
            return false;
          },
          startOf(query, current, evaluation),
        );
        return count;
      };
    }
    case 'value':
      return singleValue(compileQuery(argumentOf(call, 0)));
    default:
      throw new TypeError(`the function ${call.name} gives no value`);
  }
}

/** `match` and `search` (RFC 9535 sections 2.4.6 and 2.4.7), in linear time. */
function compileMatching(call: Call): Filter {
  if (call.name !== 'match' && call.name !== 'search') throw new TypeError(`${call.name}() is not a test`);
  const isWhole = call.name === 'match';
  const subject = compileComparable(argumentOf(call, 0));
  const expression = argumentOf(call, 1);
  const patternOf =
    expression instanceof expressions.StringLiteral
      ? constantPattern(expression.value)
      : patternFromValue(compileComparable(expression));
  return (current, evaluation) => {
    const value = subject(current, evaluation);
    if (typeof value !== 'string') return false;
    const pattern = patternOf(current, evaluation);
    evaluation.spend(1 + (value.length >> 3));
    return pattern !== undefined && (isWhole ? pattern.testWhole(value) : pattern.test(value));
  };
}

function constantPattern(source: string): () => Pattern {
  const pattern = compileIRegexp(source);
  return () => pattern;
}

/** A regular expression that comes from the value itself; a bad one matches nothing (section 2.4.6). */
function patternFromValue(
  source: Comparable,
): (current: unknown, evaluation: Evaluation) => Pattern | undefined {
  return (current, evaluation) => {
    const text = source(current, evaluation);
    if (typeof text !== 'string') return undefined;
    // Compiling takes about 20 µs and more: it must count for what it costs.
    evaluation.spend(1000 + 10 * text.length);
    try {
      return compileIRegexp(text);
    } catch (error) {
      if (error instanceof PatternError) return undefined;
      throw error;
    }
  };
}

function argumentOf(call: Call, index: number): Expression {
  const argument = call.args[index];
  if (argument === undefined) throw new TypeError(`${call.name}() misses argument ${index + 1}`);
  return argument;
}

function compileQuery(expression: Expression): FilterQuery {
  if (!(expression instanceof expressions.FilterQuery))
    throw new TypeError(`not a query: ${expression.toString()}`);
  return {
    segments: compileSegments(expression.path),
    fromRoot: expression instanceof expressions.RootQuery,
  };
}

function startOf(query: FilterQuery, current: unknown, evaluation: Evaluation): unknown {
  return query.fromRoot ? evaluation.root : current;
}

/** The value of the only node that the query selects; none or several are {@link NOTHING}. */
function singleValue(query: FilterQuery): Comparable {
  return (current, evaluation) => {
    let found: unknown = NOTHING;
    let isSeveral = false;
    evaluation.walk(
      query.segments,
      (node) => {
        isSeveral = found !== NOTHING;
        found = node.value;
        return isSeveral;
      },
      startOf(query, current, evaluation),
    );
    return isSeveral ? NOTHING : found;
  };
}

/** Characters, elements or members; strings count Unicode scalar values (RFC 9535 section 2.4.4). */
function lengthOf(value: unknown, evaluation: Evaluation): unknown {
  if (typeof value === 'string') {
    evaluation.spend(value.length >> 3);
    let length = 0;
    for (const _character of value) length++;
    return length;
  }
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  return NOTHING;
}
