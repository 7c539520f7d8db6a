import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTENDERS } from '../../bench/contenders.ts';
import { type Measurements, type Row, WARM_UP_SECONDS } from '../../bench/measure.ts';
import { readOptions } from '../../bench/options.ts';
import { describeNoise, formatReport, summarize } from '../../bench/report.ts';
import { median, percentile, spread } from '../../bench/statistics.ts';
import { TARGETS } from '../../bench/targets.ts';

function row(name: string, rates: readonly number[]): Row {
  const contender = CONTENDERS.find((candidate) => candidate.name === name);
  assert.ok(contender, `no contender is called ${name}`);
  return {
    contender,
    samples: rates.map((requestsPerSecond) => ({
      requestsPerSecond,
      requests: 1,
      p50: 1,
      p99: 2,
      cpu: 1e6 / requestsPerSecond,
    })),
  };
}

/** Measurements of these rows, and nothing left out. */
function measured(...rows: readonly Row[]): Measurements {
  return { rows, missing: [] };
}

describe('statistics', () => {
  it('takes the middle value, or the mean of the middle two', () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([9, 1, 5, 6]), 5.5);
    assert.equal(median([7]), 7);
  });

  it('takes percentiles by nearest rank, whatever the order', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.equal(percentile(hundred, 50), 50);
    assert.equal(percentile(hundred, 99), 99);
    assert.equal(percentile([10, 9], 99), 10);
    assert.equal(percentile([7], 50), 7);
    assert.ok(Number.isNaN(percentile([], 50)));
  });

  it('gives the spread in parts of the median', () => {
    assert.equal(spread([90, 100, 120]), 0.3);
    assert.equal(spread([5, 5]), 0);
  });
});

describe('the report', () => {
  it('compares each round with itself, so that a slow spell moves no ratio', () => {
    const { ratios } = summarize(
      measured(row('undici', [1000, 500, 100]), row('no-session', [900, 450, 90])),
    );
    assert.deepEqual(ratios, [
      {
        contender: 'no-session',
        peer: 'undici',
        ratio: 0.9,
        lowest: 0.9,
        highest: 0.9,
        byCpu: 0.9,
        target: 0.85,
        met: true,
      },
    ]);
  });

  it('shows a missed target', () => {
    const report = summarize(measured(row('rule-of-10', [1000]), row('rule-of-10000', [890])));
    assert.equal(report.ratios[0]?.met, false);
    assert.match(
      formatReport(report),
      /rule-of-10000 +\/ rule-of-10 +0\.89 +0\.89-0\.89 +0\.89 +>= 0\.90 +missed/,
    );
  });

  it('gives no ratio where one side was not measured', () => {
    const report = summarize(measured(row('no-session', [1000])));
    assert.deepEqual(report.ratios, []);
    assert.match(formatReport(report), /no ratio/);
  });

  it('says how much of its core a contender used, so that a bound by the load is seen', () => {
    const rested = row('egress', [1000]);
    const samples = rested.samples.map((sample) => ({ ...sample, cpu: 600 }));
    const { figures } = summarize(measured({ ...rested, samples }, row('mockttp', [500])));
    assert.deepEqual(
      figures.map(({ busy }) => busy),
      [0.6, 1],
    );
  });

  it('names a contender that this machine does not have, and judges nothing by it', () => {
    const report = summarize({
      rows: [row('intercepted', [1000])],
      missing: [{ name: 'mockttp', reason: 'npm could not install it (network?): ENOTFOUND' }],
    });
    assert.deepEqual(report.ratios, []);
    assert.match(formatReport(report), /^mockttp was not measured: npm could not install it/m);
  });

  it('says when the machine was too busy to believe', () => {
    assert.match(describeNoise(0.05), /^quiet/);
    assert.match(describeNoise(0.2), /^noisy/);
    assert.match(describeNoise(0.6), /^very noisy.*60 %/);
  });

  it('has a contender for both sides of every target', () => {
    const names = new Set(CONTENDERS.map(({ name }) => name));
    for (const { contender, peer } of TARGETS) assert.ok(names.has(contender) && names.has(peer));
  });
});

describe('the options', () => {
  it('measures everything by default, in less than four minutes', () => {
    const options = readOptions([]);
    assert.ok(options !== 'help');
    assert.equal(options.only.size, CONTENDERS.length);
    const secondsEach = WARM_UP_SECONDS + options.rounds * options.seconds;
    assert.ok(secondsEach * options.only.size < 240);
  });

  for (const [flag, value] of [
    ['--rounds', '0'],
    ['--rounds', '1.5'],
    ['--seconds', '6'],
    ['--seconds', 'two'],
    ['--only', 'undici,nginx'],
    ['--only', ''],
  ] as const) {
    it(`refuses ${flag}=${value || '(nothing)'} and names the flag`, () => {
      assert.throws(() => readOptions([`${flag}=${value}`]), { name: 'TypeError', message: RegExp(flag) });
    });
  }
});
