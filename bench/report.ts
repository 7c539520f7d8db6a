import type { Measurements, Missing, Row } from './measure.ts';
import { median, spread } from './statistics.ts';
import { TARGETS } from './targets.ts';

/** A contender's figures over all rounds. */
export interface Figures {
  readonly name: string;
  readonly description: string;
  /** Median of the rounds, as are the next four. */
  readonly requestsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  /** Milliseconds. */
  readonly p99: number;
  /** Processor time for one request, in microseconds. Steadier than a rate where others use the core too. */
  readonly cpu: number;
  /**
   * Of a core, while it was loaded; more than 1 where threads besides the main one had another core. Well below 1,
   * it was the load that set the rate, or somebody else who used the core.
   */
  readonly busy: number;
  /** (fastest - slowest round) / median: how noisy this row was. */
  readonly spread: number;
  /** Requests/s of each round. */
  readonly rounds: readonly number[];
}

/** A promised ratio and what came of it. */
export interface Ratio {
  readonly contender: string;
  readonly peer: string;
  /** Median of the ratios within each round. */
  readonly ratio: number;
  readonly lowest: number;
  readonly highest: number;
  /** The same by processor time: the peer's for a request over ours. No target; a second witness. */
  readonly byCpu: number;
  readonly target: number;
  readonly met: boolean;
}

export interface Report {
  readonly figures: readonly Figures[];
  readonly ratios: readonly Ratio[];
  readonly missing: readonly Missing[];
  /** Median of the rows' spreads. */
  readonly noise: number;
}

export function summarize({ rows, missing }: Measurements): Report {
  const figures = rows.map(summarizeRow);
  return {
    figures,
    ratios: compare(figures),
    missing,
    noise: round(median(figures.map((figure) => figure.spread)), 3),
  };
}

function summarizeRow({ contender: { name, description }, samples }: Row): Figures {
  const rounds = samples.map(({ requestsPerSecond }) => Math.round(requestsPerSecond));
  return {
    name,
    description,
    requestsPerSecond: Math.round(median(rounds)),
    p50: round(median(samples.map(({ p50 }) => p50)), 2),
    p99: round(median(samples.map(({ p99 }) => p99)), 2),
    cpu: round(median(samples.map(({ cpu }) => cpu)), 2),
    busy: round(median(samples.map((sample) => (sample.requestsPerSecond * sample.cpu) / 1e6)), 3),
    spread: round(spread(rounds), 3),
    rounds,
  };
}

/**
 * The promised ratios whose two sides were both measured. Each round is compared with itself only: what
 * slows the machine for a while slows both sides, and the ratio stays.
 */
function compare(figures: readonly Figures[]): Ratio[] {
  return TARGETS.flatMap(({ contender, peer, atLeast }) => {
    const ours = figures.find(({ name }) => name === contender);
    const theirs = figures.find(({ name }) => name === peer);
    if (ours === undefined || theirs === undefined) return [];
    const ratios = ours.rounds.map((rate, index) => rate / (theirs.rounds[index] ?? Number.NaN));
    const ratio = median(ratios);
    return {
      contender,
      peer,
      ratio: round(ratio, 3),
      lowest: round(Math.min(...ratios), 3),
      highest: round(Math.max(...ratios), 3),
      byCpu: round(theirs.cpu / ours.cpu, 3),
      target: atLeast,
      met: ratio >= atLeast,
    };
  });
}

/** A wide spread makes medians a guess: 10 % is what a quiet machine shows between equal rounds. */
export function describeNoise(noise: number): string {
  if (Number.isNaN(noise)) return 'nothing was measured';
  const percent = `${Math.round(noise * 100)} %`;
  if (noise <= 0.1) return `quiet: the rounds of one row lie within ${percent}`;
  if (noise <= 0.25) return `noisy: the rounds of one row differ by ${percent}; trust ratios, not rates`;
  return `very noisy: the rounds of one row differ by ${percent}; measure again on a machine that is idle`;
}

export function formatReport({ figures, ratios, missing, noise }: Report): string {
  return [
    formatTable(
      ['contender', '', 'requests/s', 'p50 ms', 'p99 ms', 'CPU us', 'busy', 'spread'],
      figures.map((row) => [
        row.name,
        row.description,
        row.requestsPerSecond.toLocaleString('en-US'),
        row.p50.toFixed(2),
        row.p99.toFixed(2),
        row.cpu.toFixed(1),
        `${Math.round(row.busy * 100)} %`,
        `${Math.round(row.spread * 100)} %`,
      ]),
    ),
    ...missing.map(({ name, reason }) => `${name} was not measured: ${reason}`),
    '',
    ...(ratios.length === 0
      ? ['no ratio: a target needs both of its contenders']
      : [
          formatTable(
            ['ratio', '', 'median', 'rounds', 'by CPU', 'target', ''],
            ratios.map((row) => [
              row.contender,
              `/ ${row.peer}`,
              row.ratio.toFixed(2),
              `${row.lowest.toFixed(2)}-${row.highest.toFixed(2)}`,
              row.byCpu.toFixed(2),
              `>= ${row.target.toFixed(2)}`,
              row.met ? 'ok' : 'missed',
            ]),
          ),
        ]),
    '',
    describeNoise(noise),
    '',
  ].join('\n');
}

/** Columns as wide as their widest cell; the first two are words and stand left, figures stand right. */
function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
