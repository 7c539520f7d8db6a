import type { Hop } from '../exchange.ts';
import { jsonBodyOf } from '../hop-view.ts';
import { pointerTo } from '../issue-list.ts';
import { jsonEquals } from '../json-equality.ts';
import { compileJsonPath, type JsonPath } from '../json-path.ts';
import { COST, NEARNESS, type Predicate } from './definition.ts';

/** Most selected values that an explanation shows. */
const MAX_SHOWN = 10;

/** `bodyJsonPath`: the path selects something in the JSON body. @throws {JsonPathSyntaxError} */
export function bodyHas(expected: string): Predicate {
  const path = compileJsonPath(expected);
  return {
    key: 'bodyJsonPath',
    pointer: '/bodyJsonPath',
    expected,
    cost: COST.body,
    readsBody: true,
    matches(hop) {
      const body = jsonBodyOf(hop);
      return body !== undefined && path.selectsAny(body.value);
    },
    ...explainsSelection(path),
  };
}

/** One entry of `bodyJsonPathEquals`: a selected value equals this one. @throws {JsonPathSyntaxError} */
export function bodyValueIs(source: string, expected: unknown): Predicate {
  const path = compileJsonPath(source);
  return {
    key: 'bodyJsonPathEquals',
    pointer: pointerTo('bodyJsonPathEquals', source),
    expected,
    cost: COST.body,
    readsBody: true,
    matches(hop) {
      const body = jsonBodyOf(hop);
      return body !== undefined && path.some(body.value, (selected) => jsonEquals(selected, expected));
    },
    ...explainsSelection(path),
  };
}

/** How both predicates on the body explain themselves. */
function explainsSelection(path: JsonPath): Pick<Predicate, 'actual' | 'nearness' | 'hint'> {
  return {
    actual: (hop) => selectedBy(path, hop),
    nearness: (hop) => (hintFor(path, hop) === OTHER_VALUE ? NEARNESS.otherValue : 0),
    hint: (hop) => hintFor(path, hop),
  };
}

const OTHER_VALUE = 'the path selects another value';

function hintFor(path: JsonPath, hop: Hop): string {
  if (hop.body === undefined) return 'the request body is not known';
  if (hop.body === null) return 'the request body is larger than rules may look at';
  if (hop.body.length === 0) return 'the request has no body';
  const body = jsonBodyOf(hop);
  if (body === undefined) return 'the request body is not JSON';
  return path.selectsAny(body.value) ? OTHER_VALUE : 'the path selects nothing in the body';
}

/** The selected value, or a list of several; undefined where none is or the body is not JSON. */
function selectedBy(path: JsonPath, hop: Hop): unknown {
  const body = jsonBodyOf(hop);
  if (body === undefined) return undefined;
  const values = path.select(body.value, MAX_SHOWN).map(({ value }) => value);
  return values.length > 1 ? values : values[0];
}
