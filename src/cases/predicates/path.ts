import type { Hop } from '../exchange.ts';
import { queryOf } from '../hop-view.ts';
import { pointerTo } from '../issue-list.ts';
import { COST, listOf, type Predicate } from './definition.ts';

/** `path`: the raw path; where the rule has a `?`, path and query. */
export function pathIs(expected: string): Predicate {
  const { path, query } = splitTarget(expected);
  return {
    key: 'path',
    pointer: '/path',
    expected,
    cost: COST.path,
    readsBody: false,
    matches: (hop) => hop.path === path && (query === undefined || hop.query === query),
    actual: query === undefined ? (hop) => hop.path : targetOf,
  };
}

/** `pathPrefix`: characters, not segments: `/v1` also begins `/v10`. With a `?` the query's beginning counts. */
export function pathStartsWith(expected: string): Predicate {
  const { path, query } = splitTarget(expected);
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
    actual: query === undefined ? (hop) => hop.path : targetOf,
  };
}

function splitTarget(target: string): { path: string; query: string | undefined } {
  const mark = target.indexOf('?');
  if (mark === -1) return { path: target, query: undefined };
  return { path: target.slice(0, mark), query: target.slice(mark + 1) };
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
  };
}
