import {
  foldMethod,
  type Hop,
  holds,
  type Predicate,
  parseAuthority,
  portOf,
  type When,
} from '../cases/index.ts';
import { byRank, type CompiledRule } from './rule.ts';

/**
 * Finds the rule of a layer that wins for a hop. A tree whose levels are the exact parts of a rule, path, then
 * host, then method, then direction, each with a branch for rules that leave that part open. A hop walks at
 * most two or three branches a level, whatever the number of rules; what a rule asks beyond its exact parts
 * is checked in the leaf.
 */
export class RuleIndex {
  /** All of them, spent ones too, highest rank first. */
  readonly rules: readonly CompiledRule[];
  readonly #byPath = new Map<string, HostLevel>();
  /** Rules whose path has a `?`, by path and query together. */
  readonly #byTarget = new Map<string, HostLevel>();
  readonly #anyPath = new HostLevel();

  /** @param rules of one layer */
  constructor(rules: readonly CompiledRule[]) {
    this.rules = [...rules].sort(byRank);
    for (const rule of this.rules) this.#levelFor(rule.when.when).add(rule);
  }

  /**
   * The highest-ranking rule that matches the hop, or would if the body, not read yet, were right.
   *
   * @param best a winner found elsewhere, which is the answer unless a rule here outranks it
   */
  find(hop: Hop, best: CompiledRule | undefined): CompiledRule | undefined {
    let winner = this.#anyPath.find(hop, best);
    winner = this.#byPath.get(hop.path)?.find(hop, winner) ?? winner;
    if (this.#byTarget.size > 0 && hop.query !== undefined) {
      winner = this.#byTarget.get(`${hop.path}?${hop.query}`)?.find(hop, winner) ?? winner;
    }
    return winner;
  }

  #levelFor({ path }: When): HostLevel {
    if (path === undefined) return this.#anyPath;
    return getOrAdd(path.includes('?') ? this.#byTarget : this.#byPath, path, newHostLevel);
  }
}

class HostLevel {
  readonly #byName = new Map<string, MethodLevel>();
  /** Rules whose host has a port, by `name:port`. */
  readonly #byNameAndPort = new Map<string, MethodLevel>();
  readonly #anyHost = new MethodLevel();

  add(rule: CompiledRule): void {
    this.#levelFor(rule.when.when).add(rule);
  }

  #levelFor({ host }: When): MethodLevel {
    if (host === undefined) return this.#anyHost;
    const { name, port } = parseAuthority(host);
    if (port === '') return getOrAdd(this.#byName, name, newMethodLevel);
    return getOrAdd(this.#byNameAndPort, `${name}:${port}`, newMethodLevel);
  }

  find(hop: Hop, best: CompiledRule | undefined): CompiledRule | undefined {
    let winner = this.#anyHost.find(hop, best);
    if (this.#byName.size > 0) {
      winner = this.#byName.get(parseAuthority(hop.host).name)?.find(hop, winner) ?? winner;
    }
    if (this.#byNameAndPort.size > 0) {
      const authority = parseAuthority(hop.host);
      const key = `${authority.name}:${portOf(authority, hop.scheme)}`;
      winner = this.#byNameAndPort.get(key)?.find(hop, winner) ?? winner;
    }
    return winner;
  }
}

class MethodLevel {
  readonly #byMethod = new Map<string, DirectionLevel>();
  readonly #anyMethod = new DirectionLevel();

  add(rule: CompiledRule): void {
    const { method } = rule.when.when;
    const level =
      method === undefined
        ? this.#anyMethod
        : getOrAdd(this.#byMethod, foldMethod(method), newDirectionLevel);
    level.add(rule);
  }

  find(hop: Hop, best: CompiledRule | undefined): CompiledRule | undefined {
    const winner = this.#anyMethod.find(hop, best);
    if (this.#byMethod.size === 0) return winner;
    return this.#byMethod.get(foldMethod(hop.method))?.find(hop, winner) ?? winner;
  }
}

class DirectionLevel {
  readonly #inbound = new Leaf();
  readonly #outbound = new Leaf();
  readonly #any = new Leaf();

  add(rule: CompiledRule): void {
    const { direction } = rule.when.when;
    if (direction === undefined) this.#any.add(rule);
    else if (direction === 'inbound') this.#inbound.add(rule);
    else this.#outbound.add(rule);
  }

  find(hop: Hop, best: CompiledRule | undefined): CompiledRule | undefined {
    const winner = this.#any.find(hop, best);
    return (hop.direction === 'inbound' ? this.#inbound : this.#outbound).find(hop, winner);
  }
}

/** What the levels above have checked for every rule of a leaf. */
const INDEXED: ReadonlySet<keyof When> = new Set(['path', 'host', 'method', 'direction']);

/** A rule in the linked list of a leaf. */
interface Entry {
  readonly rule: CompiledRule;
  /** What is left to check. */
  readonly predicates: readonly Predicate[];
  next: Entry | undefined;
}

/**
 * Rules with the same exact parts, highest rank first. Those that are spent for good are unlinked when they are
 * met; one that serves each trace once stays, for the traces to come.
 */
class Leaf {
  #first: Entry | undefined;
  #last: Entry | undefined;

  /** Rules must come highest rank first. */
  add(rule: CompiledRule): void {
    const predicates = rule.when.predicates.filter(({ key }) => !INDEXED.has(key));
    const entry: Entry = { rule, predicates, next: undefined };
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
  }

  find(hop: Hop, best: CompiledRule | undefined): CompiledRule | undefined {
    let previous: Entry | undefined;
    for (let entry = this.#first; entry !== undefined; entry = entry.next) {
      const { rule } = entry;
      if (rule.isSpent) {
        if (previous === undefined) this.#first = entry.next;
        else previous.next = entry.next;
        continue;
      }
      if (best !== undefined && !rule.outranks(best)) return best;
      if (couldMatch(entry.predicates, hop) && !rule.isSpentFor(hop)) return rule;
      previous = entry;
    }
    return best;
  }
}

/** All hold; those on a body that was not read yet have the benefit of the doubt. */
function couldMatch(predicates: readonly Predicate[], hop: Hop): boolean {
  for (const predicate of predicates) {
    if (predicate.readsBody && hop.body === undefined) continue;
    if (!holds(predicate, hop)) return false;
  }
  return true;
}

function getOrAdd<Value>(map: Map<string, Value>, key: string, create: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}

const newHostLevel = (): HostLevel => new HostLevel();
const newMethodLevel = (): MethodLevel => new MethodLevel();
const newDirectionLevel = (): DirectionLevel => new DirectionLevel();
