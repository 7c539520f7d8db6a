import { type Contender, type Running, verify } from './contenders.ts';
import { applyLoad, type Sample, type Target } from './load.ts';
import type { Stage } from './stage.ts';
import { Unavailable } from './unavailable.ts';

/** All measurements of one contender, one a round. */
export interface Row {
  readonly contender: Contender;
  readonly samples: readonly Sample[];
}

/** A contender that could not be measured. */
export interface Missing {
  readonly name: string;
  readonly reason: string;
}

export interface Measurements {
  readonly rows: readonly Row[];
  readonly missing: readonly Missing[];
}

interface Runner {
  readonly contender: Contender;
  readonly running: Running;
  readonly samples: Sample[];
}

/** Of each contender, before anything counts. */
export const WARM_UP_SECONDS = 3;

/**
 * Loads the contenders in turns. Every second round goes backwards, so that a machine that slowly gets
 * busier, or hotter, harms none of them more than the others.
 */
export async function measure(
  contenders: readonly Contender[],
  stage: Stage,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
): Promise<Measurements> {
  const runners: Runner[] = [];
  const missing: Missing[] = [];
  for (const contender of contenders) {
    stage.tell(`warming up ${contender.name}`);
    try {
      runners.push(await warmUp(contender, stage));
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      missing.push({ name: contender.name, reason: error.message });
      stage.tell(`leaving ${contender.name} out: ${error.message}`);
    }
  }
  for (let round = 1; round <= rounds; round++) {
    stage.tell(`round ${round} of ${rounds}`);
    for (const runner of round % 2 === 1 ? runners : runners.toReversed()) {
      runner.samples.push(await measureOnce(runner, stage, seconds));
    }
  }
  return { rows: runners, missing };
}

/** The first stretch is thrown away: V8 is still compiling what runs hot. */
async function warmUp(contender: Contender, stage: Stage): Promise<Runner> {
  const running = await contender.start(stage);
  const target = await running.open();
  await verify(contender, target);
  await running.close(await load(running, target, stage, WARM_UP_SECONDS));
  return { contender, running, samples: [] };
}

async function measureOnce({ running }: Runner, stage: Stage, seconds: number): Promise<Sample> {
  const sample = await load(running, await running.open(), stage, seconds);
  await running.close(sample);
  return sample;
}

function load({ pid }: Running, target: Target, { cores }: Stage, seconds: number): Promise<Sample> {
  return applyLoad(target, { seconds, core: cores.load, pid });
}
