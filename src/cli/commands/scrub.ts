import type { Command } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { flagValue, flagValues, isSet } from '../flags.ts';

export const scrub: Command = {
  words: ['scrub'],
  summary: 'Take secrets out of case files, or check that none is in them',
  positionals: [{ name: 'files', describe: '*.case.json files', isList: true }],
  flags: {
    check: { type: 'boolean', describe: 'Change nothing; end with 1 where there is a secret' },
    rules: {
      type: 'string',
      requiresArg: true,
      describe: 'What else to hide: a file of headers, body paths and patterns (JSON or YAML)',
    },
    'secrets-file': {
      type: 'string',
      requiresArg: true,
      describe: 'Secrets to look for in any encoding, one a line',
    },
  },
  examples: [
    ['scrub captures/*.case.json', 'In place: what is secret by custom, or looks like a secret'],
    ['scrub checkout.case.json --rules scrub.yaml', 'And what the rules name'],
    ['scrub --check --secrets-file .secrets captures/*.case.json', 'For a hook or CI'],
  ],
  async run(invocation) {
    const { args } = invocation;
    const { readScrubber } = await import('../case/scrub-rules.ts');
    const { scrubFiles } = await import('../case/scrub-files.ts');
    const { scrubText } = await import('../case/scrub-text.ts');
    const { progressLine } = await import('../progress.ts');
    const isCheck = isSet(args, 'check');
    const scrubber = await readScrubber(flagValue(args, 'rules'), flagValue(args, 'secrets-file'));
    using progress = progressLine(invocation);
    const { files, worst } = await scrubFiles(scrubber, flagValues(args, 'files'), isCheck, progress);
    const bad = isCheck ? files.filter(({ findings }) => findings.length > 0) : [];
    const problems = [
      ...files.flatMap(({ error }) => (error === undefined ? [] : [error.message])),
      ...(bad.length === 0
        ? []
        : [`secrets in ${bad.map(({ path }) => path).join(', ')}; \`softprobe-proxy scrub\` takes them out`]),
    ];
    return {
      text: scrubText(files, isCheck),
      fields: { files },
      ...(problems.length > 0 && {
        exitCode: worst?.exitCode ?? ExitCode.failure,
        error: { code: worst?.code ?? 'secrets_found', message: problems.join('\n') },
      }),
    };
  },
};
