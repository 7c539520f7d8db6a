import type { Hop, Rule } from '../cases/index.ts';
import type { Respond } from './decision.ts';
import type { NearMiss } from './explanation.ts';
import { requestFingerprint } from './fingerprint.ts';
import { suggestRule } from './suggested-rule.ts';

/** How many strict misses of a session are remembered. */
const CAPACITY = 100;

/** The hop that a strict policy refused last, as `stats` shows it. */
export interface StrictMiss {
  readonly method: string;
  readonly url: string;
  /** The `requestFingerprint` that the client of the proxy was shown. */
  readonly fingerprint: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** The rules that came nearest, nearest first. */
  readonly nearMisses: readonly NearMiss[];
}

/** A strict miss with all that is needed to turn it into a hit. */
export interface ExplainedMiss {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly request: {
    readonly method: string;
    readonly host: string;
    readonly path: string;
    readonly url: string;
  };
  readonly requestFingerprint: string;
  readonly nearMisses: readonly NearMiss[];
  /** Matches this request; its response is a placeholder. */
  readonly suggestedRule: Rule;
}

/** The strict misses of one session: how many, and the last hundred of them. */
export class MissLog {
  readonly #misses: ExplainedMiss[] = [];
  #total = 0;

  get total(): number {
    return this.#total;
  }

  get last(): StrictMiss | undefined {
    const miss = this.#misses.at(-1);
    if (miss === undefined) return undefined;
    const { time, request, requestFingerprint: fingerprint, nearMisses } = miss;
    return { method: request.method, url: request.url, fingerprint, time, nearMisses };
  }

  /** Those that are remembered, newest first. */
  get newestFirst(): readonly ExplainedMiss[] {
    return this.#misses.toReversed();
  }

  add(hop: Hop, { nearMisses = [] }: Respond): void {
    const { method, scheme, host, path, query } = hop;
    const url = `${scheme}://${host}${path}${query === undefined ? '' : `?${query}`}`;
    this.#total++;
    if (this.#misses.length === CAPACITY) this.#misses.shift();
    this.#misses.push({
      time: new Date().toISOString(),
      request: { method, host, path, url },
      requestFingerprint: requestFingerprint(hop),
      nearMisses,
      suggestedRule: suggestRule(hop),
    });
  }
}
