import type { Command } from '../command.ts';
import { UsageError } from '../failure.ts';

export const validateConfig: Command = {
  words: ['validate', 'config'],
  summary: 'Says that there is no configuration file to check',
  positionals: [{ name: 'files', describe: 'Any', isList: true }],
  examples: [['validate config softprobe.yaml', 'Ends with 2']],
  async run() {
    throw new UsageError(
      'validate config: the proxy has no configuration file, it is told by flags and environment variables (`softprobe-proxy start --help`); what can be checked: validate case, rules, policy, fixtures, scrub-rules',
    );
  },
};
