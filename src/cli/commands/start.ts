import type { Command } from '../command.ts';
import { startFlags } from '../start/flags.ts';

export const start: Command = {
  words: ['start'],
  summary: 'Start the proxy; runs until Ctrl-C or SIGTERM',
  flags: startFlags,
  examples: [
    ['--app-url http://127.0.0.1:3000', 'Stand in front of a service on port 3000'],
    [
      'start --json --ingress-port 0 --egress-port 0 --control-port 0 --admin-port 0',
      'Any free ports, told as JSON',
    ],
    ['start --redact-header x-tenant --redact-body-path "$.card.number"', 'Hide more than the usual secrets'],
  ],
  async run(invocation) {
    const { serve } = await import('../start/serve.ts');
    return serve(invocation);
  },
};
