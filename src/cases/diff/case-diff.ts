import { exchangesOf } from '../case-exchanges.ts';
import type { CaseDocument } from '../documents.generated.ts';
import type { Direction, Exchange } from '../exchange.ts';
import { urlWithoutUserinfo } from '../url.ts';
import { type HopDifference, hopDifferences, requestBodyKey } from './hop-differences.ts';
import { pairHops } from './hop-pairs.ts';
import { denoise } from './noise.ts';

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

/** A hop and where it stands. */
interface PlacedHop {
  readonly exchange: Exchange;
  readonly index: number;
}

/** Compares two captures hop by hop. Who answered (a rule or the world), times and trace ids do not count. */
export function diffCases(left: CaseDocument, right: CaseDocument): CaseDiff {
  const added: HopLabel[] = [];
  const removed: HopLabel[] = [];
  const changed: ChangedHop[] = [];
  const noisy: ChangedHop[] = [];
  let unchangedCount = 0;
  let noiseCount = 0;
  for (const pair of pairHops(hopsOf(left), hopsOf(right), PAIRING_KEYS)) {
    if (pair.left === undefined || pair.right === undefined) {
      if (pair.left !== undefined) removed.push(labelOf(pair.left));
      if (pair.right !== undefined) added.push(labelOf(pair.right));
      continue;
    }
    const found = hopDifferences(pair.left.exchange, pair.right.exchange);
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

function hopsOf(document: CaseDocument): PlacedHop[] {
  return exchangesOf(document).map((exchange, place) => ({ exchange, index: place + 1 }));
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

type Key = (hop: PlacedHop) => string;

const whoAndWhat = ({ exchange: { hop } }: PlacedHop) => `${hop.direction} ${hop.method.toUpperCase()}`;
const exactHost: Key = ({ exchange: { hop } }) => hop.host.toLowerCase();
const anyPort: Key = ({ exchange: { hop } }) => denoise(hop.host.toLowerCase()).text;
const path: Key = ({ exchange: { hop } }) => denoise(hop.path).text;
const query: Key = ({ exchange: { hop } }) => denoise(hop.query ?? '').text;
/** `/orders/7` and `/orders/8` may be the same order in two runs; that they differ is then told. */
const anyNumbers: Key = (hop) => path(hop).replace(/\d+/g, '{n}');
const body: Key = ({ exchange }) => requestBodyKey(exchange);

/** From the most exact to the loosest. */
const PAIRING_KEYS: readonly Key[] = [
  [exactHost, path, query, body],
  [exactHost, path, query],
  [anyPort, path, query, body],
  [anyPort, path, query],
  [anyPort, path],
  [anyPort, anyNumbers],
].map((parts) => (hop) => [whoAndWhat(hop), ...parts.map((part) => part(hop))].join(' '));
