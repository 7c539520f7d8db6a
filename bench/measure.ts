import { type Contender, type Running, verify } from './contenders.ts';
import { cpuSecondsOf } from './cpu-time.ts';
import { applyLoad, type Sample } from './load.ts';
import type { Stage } from './stage.ts';

/** What one stretch of load saw, and what it cost. */
export interface Measurement extends Sample {
  /** Processor time of the contender for one request, in microseconds; NaN where it cannot be known. */
  readonly cpu: number;
}

/** All measurements of one contender, one a round. */
export interface Row {
  readonly contender: Contender;
  readonly samples: readonly Measurement[];
}

interface Runner {
  readonly contender: Contender;
  readonly running: Running;
  readonly samples: Measurement[];
}

const WARM_UP_SECONDS = 3;

/**
 * Loads the contenders in turns. Every second round goes backwards, so that a machine that slowly gets
 * busier, or hotter, harms none of them more than the others.
 *
 * @param tell gets a line of progress now and then
 */
export async function measure(
  contenders: readonly Contender[],
  stage: Stage,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  tell: (line: string) => void,
): Promise<readonly Row[]> {
  const runners: Runner[] = [];
  for (const contender of contenders) {
    tell(`warming up ${contender.name}`);
    const runner: Runner = { contender, running: await contender.start(stage), samples: [] };
    const target = await runner.running.open();
    await verify(contender, target);
    // The first stretch is thrown away: V8 is still compiling what runs hot.
    await runner.running.close(
      await applyLoad(target.url, target.headers, WARM_UP_SECONDS, stage.cores.load),
    );
    runners.push(runner);
  }
  for (let round = 1; round <= rounds; round++) {
    tell(`round ${round} of ${rounds}`);
    for (const runner of round % 2 === 1 ? runners : runners.toReversed()) {
      runner.samples.push(await measureOnce(runner, stage, seconds));
    }
  }
  return runners;
}

async function measureOnce({ running }: Runner, stage: Stage, seconds: number): Promise<Measurement> {
  const { url, headers } = await running.open();
  const before = cpuSecondsOf(running.pid);
  const sample = await applyLoad(url, headers, seconds, stage.cores.load);
  const used = cpuSecondsOf(running.pid) - before;
  await running.close(sample);
  return { ...sample, cpu: (used / sample.requests) * 1e6 };
}
