import type { Exchange } from '../exchange.ts';
import { requestBodyKey } from './hop-differences.ts';
import { withoutIdentifiers } from './identifier.ts';
import { denoise } from './noise.ts';
import type { Renaming } from './renaming.ts';

/** A hop, where it stands, and by what it finds its counterpart. */
export class PlacedHop {
  readonly exchange: Exchange;
  /** From 1, in the order in which the requests started. */
  readonly index: number;
  readonly #renaming: Renaming | undefined;
  #bodyKey: { readonly value: string; readonly learnt: number } | undefined;

  /** @param renaming for hops of the left capture: by what they are read as those of the right one */
  constructor(exchange: Exchange, index: number, renaming?: Renaming) {
    this.exchange = exchange;
    this.index = index;
    this.#renaming = renaming;
  }

  /** A part of it as the right capture would have it. */
  read(text: string): string {
    return this.#renaming?.read(text) ?? text;
  }

  /** Hashing bodies takes long: done again only when more has been learnt. */
  get bodyKey(): string {
    const learnt = this.#renaming?.size ?? 0;
    if (this.#bodyKey?.learnt !== learnt) {
      this.#bodyKey = { value: requestBodyKey(this.exchange, (text) => this.read(text)), learnt };
    }
    return this.#bodyKey.value;
  }
}

type Key = (hop: PlacedHop) => string;

const whoAndWhat: Key = ({ exchange: { hop } }) => `${hop.direction} ${hop.method.toUpperCase()}`;
const exactHost: Key = ({ exchange: { hop } }) => hop.host.toLowerCase();
const anyPort: Key = ({ exchange: { hop } }) => denoise(hop.host.toLowerCase()).text;
const exactPath: Key = (hop) => hop.read(hop.exchange.hop.path);
const exactQuery: Key = (hop) => hop.read(hop.exchange.hop.query ?? '');
const path: Key = (hop) => denoise(exactPath(hop)).text;
const query: Key = (hop) => denoise(exactQuery(hop)).text;
const anyIds: Key = (hop) => withoutIdentifiers(path(hop));
/** `/orders/7` and `/orders/8` may be the same order in two runs; that they differ is then told. */
const anyNumbers: Key = (hop) => path(hop).replace(/\d+/g, '{n}');
const body: Key = ({ bodyKey }) => bodyKey;

const keysOf = (keys: readonly (readonly Key[])[]): Key[] =>
  keys.map((parts) => (hop) => [whoAndWhat(hop), ...parts.map((part) => part(hop))].join(' '));

/** By which hops are surely the same, from the most exact to the loosest. */
export const SURE_KEYS: readonly Key[] = keysOf([
  [exactHost, exactPath, exactQuery, body],
  [exactHost, path, query, body],
  [exactHost, path, query],
  [anyPort, exactPath, exactQuery, body],
  [anyPort, path, query, body],
  [anyPort, path, query],
  [anyPort, path],
]);

/** By which they may be, after those. */
export const ALL_KEYS: readonly Key[] = [
  ...SURE_KEYS,
  ...keysOf([
    [anyPort, anyIds],
    [anyPort, anyNumbers],
  ]),
];
