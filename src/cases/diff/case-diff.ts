import { exchangesOf } from '../case-exchanges.ts';
import type { CaseDocument } from '../documents.generated.ts';
import type { Direction } from '../exchange.ts';
import { urlWithoutUserinfo } from '../url.ts';
import { type HopDifference, hopDifferences } from './hop-differences.ts';
import { type Ignored, withoutIgnored } from './ignored.ts';
import { matchHops } from './matched-hops.ts';
import { PlacedHop } from './placed-hop.ts';
import { Renaming } from './renaming.ts';

/** Which hop of a capture is meant. */
export interface HopLabel {
  /** From 1, in the order in which the requests started. */
  readonly index: number;
  readonly direction: Direction;
  readonly method: string;
  readonly url: string;
  /** Null where no response came. */
  readonly status: number | null;
}

/** A hop that both captures have, and in which they differ. */
export interface ChangedHop {
  readonly left: HopLabel;
  readonly right: HopLabel;
  /** What means something; never noise. */
  readonly differences: readonly HopDifference[];
  /** What does not. */
  readonly noise: readonly HopDifference[];
}

/** What one capture has and the other has not. */
export interface CaseDiff {
  readonly added: readonly HopLabel[];
  readonly removed: readonly HopLabel[];
  /** Hops with real differences. */
  readonly changed: readonly ChangedHop[];
  /** Hops that differ by noise alone. */
  readonly noisy: readonly ChangedHop[];
  /** Hops without real differences, those of `noisy` among them. */
  readonly unchangedCount: number;
  /** All differences that are noise. */
  readonly noiseCount: number;
}

/**
 * Compares two captures hop by hop. Who answered (a rule or the world), times and trace ids do not count, nor do ids
 * that are others in each run, as long as each is one and the same throughout a capture.
 *
 * @throws {JsonPathLimitError} when a path that is to be ignored would have to visit too much of a body
 */
export function diffCases(left: CaseDocument, right: CaseDocument, ignored: Ignored = {}): CaseDiff {
  const renaming = new Renaming();
  const pairs = matchHops(hopsOf(left, ignored, renaming), hopsOf(right, ignored), renaming);
  const added: HopLabel[] = [];
  const removed: HopLabel[] = [];
  const changed: ChangedHop[] = [];
  const noisy: ChangedHop[] = [];
  let unchangedCount = 0;
  let noiseCount = 0;
  for (const pair of pairs) {
    if (pair.left === undefined || pair.right === undefined) {
      if (pair.left !== undefined) removed.push(labelOf(pair.left));
      if (pair.right !== undefined) added.push(labelOf(pair.right));
      continue;
    }
    const found = hopDifferences(pair.left.exchange, pair.right.exchange, renaming.read);
    const noise = found.filter((difference) => difference.noise !== undefined);
    const differences = found.filter((difference) => difference.noise === undefined);
    const hop = { left: labelOf(pair.left), right: labelOf(pair.right), differences, noise };
    noiseCount += noise.length;
    if (differences.length > 0) changed.push(hop);
    else unchangedCount += 1;
    if (differences.length === 0 && noise.length > 0) noisy.push(hop);
  }
  return { added, removed, changed, noisy, unchangedCount, noiseCount };
}

function hopsOf(document: CaseDocument, ignored: Ignored, renaming?: Renaming): PlacedHop[] {
  return exchangesOf(document).map(
    (exchange, place) => new PlacedHop(withoutIgnored(exchange, ignored), place + 1, renaming),
  );
}

function labelOf({ exchange: { hop, response }, index }: PlacedHop): HopLabel {
  const query = hop.query === undefined ? '' : `?${hop.query}`;
  return {
    index,
    direction: hop.direction,
    method: hop.method,
    url: urlWithoutUserinfo(`${hop.scheme}://${hop.host}${hop.path}${query}`),
    status: response?.status ?? null,
  };
}
