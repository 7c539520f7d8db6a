import { JSONPathEnvironment, JSONPathError, type JSONPathQuery } from 'json-p3';
import { compileSegments } from './json-path-compiler.ts';
import { Evaluation, type JsonNode, type Segment } from './json-path-evaluation.ts';
import { PatternError } from './pattern.ts';

/** A value that a path selected, and where it stands. */
export interface SelectedNode {
  readonly value: unknown;
  /** Member names and array indexes from the root down; empty for the root itself. */
  readonly location: readonly (string | number)[];
}

/** A JSONPath that cannot be used. The message names it and says why. */
export class JsonPathSyntaxError extends Error {
  override readonly name = 'JsonPathSyntaxError';
}

/** Longest path, in characters. */
const MAX_PATH_LENGTH = 2048;

/** The parser and its type checks, as RFC 9535 has them. Evaluation is ours, so that it can be bounded. */
const grammar = new JSONPathEnvironment();

/** A compiled JSONPath. Safe against any value: time and memory are bounded, nothing recurses with its depth. */
export class JsonPath {
  readonly source: string;
  readonly #segments: readonly Segment[];

  constructor(source: string, segments: readonly Segment[]) {
    this.source = source;
    this.#segments = segments;
  }

  /**
   * True when the path selects anything in the value. Stops at the first node.
   *
   * @throws {JsonPathLimitError} when too many nodes would have to be visited
   */
  selectsAny(value: unknown): boolean {
    return this.some(value, () => true);
  }

  /**
   * True when `test` holds for a selected value. Stops there.
   *
   * @throws {JsonPathLimitError} when too many nodes would have to be visited
   */
  some(value: unknown, test: (selected: unknown) => boolean): boolean {
    return new Evaluation(value).walk(this.#segments, (node) => test(node.value));
  }

  /**
   * The first `limit` selected nodes, in the order of RFC 9535. A node that is reached in several ways comes
   * several times.
   *
   * @throws {JsonPathLimitError} when too many nodes would have to be visited: who looks for secrets to hide
   * must then hide the whole value
   */
  select(value: unknown, limit = Number.POSITIVE_INFINITY): SelectedNode[] {
    const selected: SelectedNode[] = [];
    if (limit <= 0) return selected;
    new Evaluation(value).walk(this.#segments, (node) => {
      selected.push({ value: node.value, location: locationOf(node) });
      return selected.length >= limit;
    });
    return selected;
  }
}

/**
 * Compiles a JSONPath (RFC 9535). The functions `match` and `search` take time linear in the value; where
 * their expression is a literal it is compiled here.
 *
 * @throws {JsonPathSyntaxError} when the path, or a regular expression in it, is not valid or too long
 */
export function compileJsonPath(source: string): JsonPath {
  if (source.length > MAX_PATH_LENGTH) {
    throw new JsonPathSyntaxError(
      `the JSONPath ${quote(source)} has ${source.length} characters; at most ${MAX_PATH_LENGTH} are allowed`,
    );
  }
  try {
    return new JsonPath(source, compileSegments(parse(source)));
  } catch (error) {
    throw new JsonPathSyntaxError(
      `the JSONPath ${quote(source)} is not valid (RFC 9535): ${reasonOf(error, source)}`,
      {
        cause: error,
      },
    );
  }
}

function parse(source: string): JSONPathQuery {
  if (!source.startsWith('$')) throw new PathStartError();
  return grammar.compile(source);
}

class PathStartError extends Error {}

function reasonOf(error: unknown, source: string): string {
  if (error instanceof PathStartError) {
    return `it must begin with \`$\`, the root${source.startsWith('@') ? '; `@` is for filters only' : ''}`;
  }
  if (error instanceof PatternError) return error.message;
  // The parser recurses over nested filters; the length limit keeps that harmless, but not impossible.
  if (error instanceof RangeError) return 'it nests too deeply';
  if (!(error instanceof JSONPathError)) throw error;
  const reason = error.message.replace(/ \('.*$/s, '');
  return `${reason} at character ${error.token.index + 1}`;
}

function locationOf(node: JsonNode): (string | number)[] {
  const location: (string | number)[] = [];
  for (let at: JsonNode | undefined = node; at?.key !== undefined; at = at.parent) location.push(at.key);
  return location.reverse();
}

function quote(source: string): string {
  return JSON.stringify(source.length <= 80 ? source : `${source.slice(0, 80)}…`);
}
