import { after, before, beforeEach } from 'node:test';
import { Program } from './program.ts';
import { ScriptedOrigin } from './scripted-origin.ts';

/** The built program in front of a scripted origin, which is its app and what its egress reaches. */
export interface Stage {
  readonly origin: ScriptedOrigin;
  readonly program: Program;
}

/**
 * Sets a stage up before the tests of a file, clears the origin's script before each, and takes it down after.
 *
 * @param begin is given the stage when it stands
 * @param flags more flags of `start`
 */
export function useStage(begin: (stage: Stage) => void, flags: readonly string[] = []): void {
  let stage: Stage | undefined;
  before(async () => {
    const origin = await ScriptedOrigin.listen();
    stage = { origin, program: await Program.start(origin.url, flags) };
    begin(stage);
  });
  beforeEach(() => stage?.origin.clear());
  after(async () => {
    await stage?.program[Symbol.asyncDispose]();
    await stage?.origin[Symbol.asyncDispose]();
  });
}
