/** A value on the way down. Locations are spelt out only for nodes that are asked for theirs. */
export interface JsonNode {
  readonly value: unknown;
  readonly parent: JsonNode | undefined;
  /** Member name or array index; undefined for the root. */
  readonly key: string | number | undefined;
}

/** One segment of a path: selectors, applied to a node's children or to those of all its descendants too. */
export interface Segment {
  readonly descends: boolean;
  readonly selectors: readonly Selector[];
}

/** Takes a node; true says that no more are wanted. */
export type Visitor = (node: JsonNode) => boolean;

/** Hands the children of a node that it selects to the visitor; true when the visitor had enough. */
export type Selector = (node: JsonNode, evaluation: Evaluation, visit: Visitor) => boolean;

/** A JSONPath that would visit more nodes than one evaluation may. */
export class JsonPathLimitError extends Error {
  override readonly name = 'JsonPathLimitError';
}

/**
 * Most steps of one evaluation; a step is a node visited or something that takes as long, 20 to 100 ns.
 * `$..*..*..*` over a large body would otherwise visit about the cube of its nodes.
 */
const MAX_STEPS = 1_000_000;

/** One application of a path to a value. Filters in the path draw on the same steps. */
export class Evaluation {
  readonly root: unknown;
  #steps = 0;

  constructor(root: unknown) {
    this.root = root;
  }

  /** @throws {JsonPathLimitError} when the steps are used up */
  spend(steps: number): void {
    this.#steps += steps;
    if (this.#steps > MAX_STEPS) {
      throw new JsonPathLimitError(
        `the JSONPath visits more than ${MAX_STEPS} nodes of this value; use fewer wildcards and descents`,
      );
    }
  }

  /**
   * Visits the nodes that the segments select, starting from a value (the root unless given), in the order
   * of RFC 9535 section 2.5, until the visitor has had enough.
   *
   * @returns true when the visitor stopped it
   */
  walk(segments: readonly Segment[], visit: Visitor, from: unknown = this.root): boolean {
    return this.#apply(segments, 0, { value: from, parent: undefined, key: undefined }, visit);
  }

  /** Recurses once a segment, never with the depth of the value. */
  #apply(segments: readonly Segment[], index: number, node: JsonNode, visit: Visitor): boolean {
    const segment = segments[index];
    if (segment === undefined) return visit(node);
    const next: Visitor = (child) => this.#apply(segments, index + 1, child, visit);
    return segment.descends ? this.#descend(segment, node, next) : this.#select(segment, node, next);
  }

  #select(segment: Segment, node: JsonNode, next: Visitor): boolean {
    this.spend(1);
    return segment.selectors.some((selector) => selector(node, this, next));
  }

  /** The node, then its descendants, parents before children, elements and members in order. */
  #descend(segment: Segment, node: JsonNode, next: Visitor): boolean {
    if (this.#select(segment, node, next)) return true;
    const open = [new Children(node)];
    for (let children = open.at(-1); children !== undefined; children = open.at(-1)) {
      const child = children.next();
      if (child === undefined) {
        open.pop();
        continue;
      }
      if (this.#select(segment, child, next)) return true;
      if (typeof child.value === 'object' && child.value !== null) open.push(new Children(child));
    }
    return false;
  }
}

/** Goes through the children of a node, one at a time. */
export class Children {
  readonly #node: JsonNode;
  readonly #names: readonly string[] | undefined;
  #index = 0;

  constructor(node: JsonNode) {
    this.#node = node;
    this.#names = namesOf(node.value);
  }

  next(): JsonNode | undefined {
    const { value } = this.#node;
    const index = this.#index++;
    if (Array.isArray(value)) {
      return index < value.length ? { value: value[index], parent: this.#node, key: index } : undefined;
    }
    const name = this.#names?.[index];
    if (name === undefined) return undefined;
    return { value: (value as Record<string, unknown>)[name], parent: this.#node, key: name };
  }
}

function namesOf(value: unknown): readonly string[] | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.keys(value) : undefined;
}
