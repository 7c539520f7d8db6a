import type { Hop } from '../exchange.ts';
import { queryOf } from '../hop-view.ts';
import { pointerTo } from '../issue-list.ts';
import { commonShare, describeDifference } from '../text-likeness.ts';
import { COST, listOf, NEARNESS, type Predicate } from './definition.ts';

/** `path`: the raw path; where the rule has a `?`, path and query. */
export function pathIs(expected: string): Predicate {
  const { path, query } = splitTarget(expected);
  const actual = query === undefined ? pathOf : targetOf;
  return {
    key: 'path',
    pointer: '/path',
    expected,
    cost: COST.path,
    readsBody: false,
    matches: (hop) => hop.path === path && (query === undefined || hop.query === query),
    actual,
    nearness: (hop) => likeness(expected, actual(hop)),
    hint: (hop) =>
      hop.path === path
        ? 'the path is the same, the query is not'
        : describeDifference(expected, actual(hop)),
  };
}

/** `pathPrefix`: characters, not segments: `/v1` also begins `/v10`. With a `?` the query's beginning counts. */
export function pathStartsWith(expected: string): Predicate {
  const { path, query } = splitTarget(expected);
  const actual = query === undefined ? pathOf : targetOf;
  const beginning = (hop: Hop) => actual(hop).slice(0, expected.length);
  return {
    key: 'pathPrefix',
    pointer: '/pathPrefix',
    expected,
    cost: COST.path,
    readsBody: false,
    matches:
      query === undefined
        ? (hop) => hop.path.startsWith(path)
        : (hop) => hop.path === path && hop.query?.startsWith(query) === true,
    actual,
    nearness: (hop) => likeness(expected, beginning(hop)),
    hint: (hop) => describeDifference(expected, beginning(hop)),
  };
}

function splitTarget(target: string): { path: string; query: string | undefined } {
  const mark = target.indexOf('?');
  if (mark === -1) return { path: target, query: undefined };
  return { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** Less than one also where the texts are the same, as `/v1` of `/v1?` and `/v1` are in all but the mark. */
function likeness(expected: string, actual: string): number {
  return Math.min(commonShare(expected, actual), NEARNESS.almost);
}

function pathOf(hop: Hop): string {
  return hop.path;
}

function targetOf(hop: Hop): string {
  return hop.query === undefined ? hop.path : `${hop.path}?${hop.query}`;
}

/** A path template that is none. */
export class PathPatternError extends Error {
  override readonly name = 'PathPatternError';
}

/**
 * `pathPattern`: `/users/{id}/orders`. A `{name}` stands for one segment that is not empty; everything else
 * is compared as it is written.
 *
 * @throws {PathPatternError}
 */
export function pathLooksLike(expected: string): Predicate {
  const segments = compileTemplate(expected);
  return {
    key: 'pathPattern',
    pointer: '/pathPattern',
    expected,
    cost: COST.path,
    readsBody: false,
    matches: (hop) => matchesTemplate(hop.path, segments),
    actual: (hop) => hop.path,
    nearness: (hop) => likenessToTemplate(hop.path, segments),
  };
}

/** The segments after the leading `/`; undefined stands for any that is not empty. */
type Template = readonly (string | undefined)[];

function compileTemplate(template: string): Template {
  if (!template.startsWith('/') || template.includes('?')) {
    throw new PathPatternError(
      `expected a path such as "/users/{id}/orders", without a query, got ${JSON.stringify(template)}`,
    );
  }
  return template
    .slice(1)
    .split('/')
    .map((segment) => {
      if (/^\{[^{}]+\}$/.test(segment)) return undefined;
      if (!/[{}]/.test(segment)) return segment;
      throw new PathPatternError(`expected {name} to be a whole segment, got ${JSON.stringify(segment)}`);
    });
}

function matchesTemplate(path: string, template: Template): boolean {
  let start = 1;
  for (let index = 0; index < template.length; index++) {
    const slash = path.indexOf('/', start);
    const end = slash === -1 ? path.length : slash;
    const literal = template[index];
    const isMatch =
      literal === undefined ? end > start : end - start === literal.length && path.startsWith(literal, start);
    if (!isMatch) return false;
    start = end + 1;
  }
  return start > path.length;
}

/** The share of segments that fit, by position. */
function likenessToTemplate(path: string, template: Template): number {
  const segments = path.slice(1).split('/', template.length + 1);
  const fitting = template.filter((literal, index) => {
    const segment = segments[index];
    return literal === undefined ? segment !== undefined && segment !== '' : segment === literal;
  });
  return fitting.length / (Math.max(template.length, segments.length) + 1);
}

/** One entry of `query`: a parameter, decoded, has all of these values among its own. */
export function queryHas(name: string, expected: string | readonly string[]): Predicate {
  const values = listOf(expected);
  return {
    key: 'query',
    pointer: pointerTo('query', name),
    expected,
    cost: COST.parse,
    readsBody: false,
    matches(hop) {
      if (hop.query === undefined) return false;
      const found = queryOf(hop).getAll(name);
      return found.length > 0 && values.every((value) => found.includes(value));
    },
    actual(hop) {
      const found = queryOf(hop).getAll(name);
      return found.length > 1 ? found : found[0];
    },
    nearness: (hop) => (queryOf(hop).has(name) ? NEARNESS.otherValue : 0),
    hint: (hop) =>
      queryOf(hop).has(name)
        ? `the parameter ${name} is there, with another value`
        : `the query has no parameter ${name}`,
  };
}

/** `query: null`: the request has no query, not even an empty one. A path without a `?` says nothing of it. */
export function queryIsAbsent(): Predicate {
  return {
    key: 'query',
    pointer: '/query',
    expected: null,
    cost: COST.field,
    readsBody: false,
    matches: (hop) => hop.query === undefined,
    actual: (hop) => hop.query,
    nearness: () => NEARNESS.otherValue,
    hint: () => 'the request has a query',
  };
}
