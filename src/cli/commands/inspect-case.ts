import type { Command } from '../command.ts';
import { flagValue } from '../flags.ts';

export const inspectCase: Command = {
  words: ['inspect', 'case'],
  summary: 'Show the hops of a case file',
  positionals: [{ name: 'file', describe: 'A *.case.json file' }],
  flags: {
    hop: { type: 'string', requiresArg: true, describe: 'Show this hop in full, by its number in the table' },
  },
  examples: [
    ['inspect case captures/checkout.case.json', 'A table of the hops'],
    ['inspect case captures/checkout.case.json --hop 2', 'The second hop with headers and bodies'],
    ['inspect case captures/checkout.case.json --json', 'The same for a program'],
  ],
  async run(invocation) {
    const { args } = invocation;
    const { readCase } = await import('../case/read-case.ts');
    const { inspectHops } = await import('../case/inspect-hops.ts');
    const { progressLine } = await import('../progress.ts');
    using progress = progressLine(invocation);
    const document = await readCase(flagValue(args, 'file') ?? '', progress);
    progress.begin(`looking at ${document.traces.length} hops`);
    return inspectHops(document, args);
  },
};
