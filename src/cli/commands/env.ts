import type { Command } from '../command.ts';
import { envFlags } from '../env/flags.ts';

export const env: Command = {
  words: ['env'],
  summary: 'Print the settings by which programs use a proxy that runs, and trust it',
  flags: envFlags,
  examples: [
    ['env', 'For a shell to run: eval "$(softprobe-proxy env)"'],
    ['env --session sess_…', 'Tie what it starts to one session'],
    ['env --json', 'The same for a program'],
  ],
  async run(invocation) {
    const { printEnvironment } = await import('../env/env.ts');
    return printEnvironment(invocation);
  },
};
