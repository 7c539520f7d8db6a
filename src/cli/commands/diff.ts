import type { Command } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { flagValue, isSet } from '../flags.ts';

export const diff: Command = {
  words: ['diff'],
  summary: 'Compare two captures hop by hop',
  positionals: [
    { name: 'left', describe: 'A *.case.json file: what was' },
    { name: 'right', describe: 'A *.case.json file: what is' },
  ],
  flags: {
    noise: {
      type: 'boolean',
      describe: 'Also show what differs without meaning anything: ids, times, tokens',
    },
  },
  examples: [
    ['diff before.case.json after.case.json', 'Ends with 20 where they differ'],
    ['diff before.case.json after.case.json --noise', 'And what was taken for noise'],
    ['diff before.case.json after.case.json --json', 'For a program'],
  ],
  async run({ args }) {
    const { readCase } = await import('../case/read-case.ts');
    const { diffCases } = await import('../../cases/diff/case-diff.ts');
    const { caseDiffText, summary } = await import('../case/case-diff-text.ts');
    const left = await readCase(flagValue(args, 'left') ?? '');
    const right = await readCase(flagValue(args, 'right') ?? '');
    const withNoise = isSet(args, 'noise');
    const found = diffCases(left, right);
    const isDrift = found.added.length + found.removed.length + found.changed.length > 0;
    return {
      text: caseDiffText(found, { withNoise }),
      fields: {
        added: found.added,
        removed: found.removed,
        changed: found.changed.map(({ noise, ...hop }) => (withNoise ? { ...hop, noise } : hop)),
        ...(withNoise && { noisy: found.noisy.map(({ differences, ...hop }) => hop) }),
        unchangedCount: found.unchangedCount,
        noiseCount: found.noiseCount,
      },
      ...(isDrift && {
        exitCode: ExitCode.drift,
        error: { code: 'drift', message: `the captures differ: ${summary(found)}` },
      }),
    };
  },
};
