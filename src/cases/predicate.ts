import type { When } from './documents.generated.ts';
import type { Hop } from './exchange.ts';
import { IssueList, pointerTo } from './issue-list.ts';
import { bodyHas, bodyValueIs } from './predicates/body.ts';
import type { Predicate } from './predicates/definition.ts';
import { headerIs, headerLooksLike } from './predicates/header.ts';
import { hostEndsWith, hostEndsWithNone, hostIs } from './predicates/host.ts';
import { pathIs, pathLooksLike, pathStartsWith, queryHas, queryIsAbsent } from './predicates/path.ts';
import { tagIs } from './predicates/trace-tag.ts';
import { directionIs, methodIs, serviceIs } from './predicates/traffic.ts';
import { SoftprobeError } from './softprobe-error.ts';
import type { ValidationIssue } from './validation.ts';

export type { Predicate } from './predicates/definition.ts';

/** A `when` that cannot be used. `issues` is never empty; their pointers are relative to the `when`. */
export class InvalidWhenError extends SoftprobeError {
  override readonly name = 'InvalidWhenError';
  readonly issues: readonly ValidationIssue[];

  constructor(issues: readonly ValidationIssue[]) {
    super(issues.map(({ pointer, message }) => `${pointer}: ${message}`).join('; '));
    this.issues = issues;
  }
}

/** Predicates that must all hold; with none, every hop matches. */
export class CompiledWhen {
  readonly when: When;
  /** Cheapest first, those that read the body last. */
  readonly predicates: readonly Predicate[];
  readonly readsBody: boolean;

  constructor(when: When, predicates: readonly Predicate[]) {
    this.when = when;
    this.predicates = predicates;
    this.readsBody = predicates.some(({ readsBody }) => readsBody);
  }

  /** Predicates on a body that was not read do not hold. */
  matches(hop: Hop): boolean {
    return this.predicates.every((predicate) => holds(predicate, hop));
  }
}

/**
 * Asks a predicate. One that throws, because a JSONPath visits too many nodes or a body nests too deeply,
 * does not hold: a rule or a hop must never take a decision down.
 */
export function holds(predicate: Predicate, hop: Hop): boolean {
  try {
    return predicate.matches(hop);
  } catch {
    return false;
  }
}

type Compilers = {
  readonly [Key in keyof Required<When>]: (
    value: Required<When>[Key],
    list: IssueList,
  ) => readonly Predicate[];
};

/** How each key of `when` becomes predicates. To add a predicate: its key here and in the schema, its file. */
const COMPILERS: Compilers = {
  direction: (value) => [directionIs(value)],
  service: (value) => [serviceIs(value)],
  host: (value, list) => list.attempt('/host', () => hostIs(value)),
  hostSuffix: (value, list) => list.attempt('/hostSuffix', () => hostEndsWith(value)),
  notHostSuffix: (value, list) => list.attempt('/notHostSuffix', () => hostEndsWithNone(value)),
  method: (value) => [methodIs(value)],
  path: (value) => [pathIs(value)],
  pathPrefix: (value) => [pathStartsWith(value)],
  pathPattern: (value, list) => list.attempt('/pathPattern', () => pathLooksLike(value)),
  query: (value) =>
    value === null
      ? [queryIsAbsent()]
      : Object.entries(value).map(([name, expected]) => queryHas(name, expected)),
  headers: (value) => Object.entries(value).map(([name, expected]) => headerIs(name, expected)),
  headerMatch: (value, list) =>
    Object.entries(value).flatMap(([name, source]) =>
      list.attempt(pointerTo('headerMatch', name), () => headerLooksLike(name, source)),
    ),
  bodyJsonPath: (value, list) => list.attempt('/bodyJsonPath', () => bodyHas(value)),
  bodyJsonPathEquals: (value, list) =>
    Object.entries(value).flatMap(([source, expected]) =>
      list.attempt(pointerTo('bodyJsonPathEquals', source), () => bodyValueIs(source, expected)),
    ),
  traceTags: (value) => Object.entries(value).map(([name, expected]) => tagIs('traceTags', name, expected)),
  traceTagEquals: (value) =>
    Object.entries(value).map(([name, expected]) => tagIs('traceTagEquals', name, expected)),
};

const KEYS = Object.keys(COMPILERS) as (keyof When)[];

/**
 * Compiles the predicates of a rule or a lookup (CONTRACT section 7). The types of the values must have been
 * checked, by schema or by the compiler of the caller.
 *
 * @throws {InvalidWhenError} for a bad regular expression, JSONPath, host or path template, or an unknown key
 */
export function compileWhen(when: When): CompiledWhen {
  const list = new IssueList();
  for (const key of Object.keys(when)) {
    if (!Object.hasOwn(COMPILERS, key)) {
      list.add(pointerTo(key), `unknown key ${JSON.stringify(key)}; known: ${KEYS.join(', ')}`);
    }
  }
  const predicates = KEYS.flatMap((key) => compileKey(key, when, list));
  if (list.issues.length > 0) throw new InvalidWhenError(list.issues);
  return new CompiledWhen(
    when,
    predicates.sort((left, right) => left.cost - right.cost),
  );
}

function compileKey<Key extends keyof When>(
  key: Key,
  when: Partial<Required<When>>,
  list: IssueList,
): readonly Predicate[] {
  const value = when[key];
  const compile: Compilers[Key] = COMPILERS[key];
  return value === undefined ? [] : compile(value, list);
}
