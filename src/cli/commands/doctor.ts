import type { Command } from '../command.ts';
import { authorityFlags } from '../start/tls-flags.ts';

export const doctor: Command = {
  words: ['doctor'],
  summary: 'Check that the proxy runs, knows its sessions, is trusted by clients and used by this shell',
  flags: {
    'ingress-url': {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'SOFTPROBE_INGRESS_URL or what the proxy tells',
      describe: 'Where tests call the service',
    },
    'egress-url': {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'what the proxy tells',
      describe: 'Where the service calls the world',
    },
    'admin-url': {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'what the proxy tells',
      describe: 'Where the proxy tells that it is ready',
    },
    ...authorityFlags,
  },
  examples: [
    ['doctor', 'Each check with what to do; exit code 10 when one fails'],
    ['doctor --json', 'The same for a program'],
  ],
  async run(invocation) {
    const { examine } = await import('../doctor/doctor.ts');
    return examine(invocation);
  },
};
