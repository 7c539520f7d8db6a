import type { Command } from '../command.ts';
import { authorityFlags } from '../start/tls-flags.ts';

export const caTrust: Command = {
  words: ['ca', 'trust'],
  summary: 'Print the commands by which this system trusts the authority; --yes runs them',
  flags: {
    yes: { type: 'boolean', describe: 'Run the commands' },
    ...authorityFlags,
  },
  examples: [
    ['ca trust', 'The commands on stdout, what they do not cover on stderr; changes nothing'],
    ['ca trust --yes', 'Trust it; may ask for a password'],
  ],
  async run(invocation) {
    const { trustAuthority } = await import('../ca/trust.ts');
    return trustAuthority(invocation);
  },
};
