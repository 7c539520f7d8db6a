import type { Hop } from '../exchange.ts';
import { jsonBodyOf } from '../hop-view.ts';
import { pointerTo } from '../issue-list.ts';
import { jsonEquals } from '../json-equality.ts';
import { compileJsonPath, type JsonPath } from '../json-path.ts';
import { COST, type Predicate } from './definition.ts';

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
    actual: (hop) => selectedBy(path, hop),
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
    actual: (hop) => selectedBy(path, hop),
  };
}

/** The selected value, or a list of several; undefined where none is or the body is not JSON. */
function selectedBy(path: JsonPath, hop: Hop): unknown {
  const body = jsonBodyOf(hop);
  if (body === undefined) return undefined;
  const values = path.select(body.value, MAX_SHOWN).map(({ value }) => value);
  return values.length > 1 ? values : values[0];
}
