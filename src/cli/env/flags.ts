import type { Flags } from '../flags.ts';
import { authorityFlags, tlsFlags } from '../start/tls-flags.ts';

/** The flags of `softprobe-proxy env`. */
export const envFlags = {
  'egress-url': {
    type: 'string',
    requiresArg: true,
    defaultDescription: 'http://127.0.0.1:8084',
    describe: 'The egress listener of the proxy',
  },
  session: {
    type: 'string',
    requiresArg: true,
    defaultDescription: 'SOFTPROBE_SESSION_ID',
    describe: 'Tie all calls to this session, by the user name of the proxy; Java sends none',
  },
  shell: { type: 'boolean', describe: 'Print export lines for a POSIX shell (this is what it does anyway)' },
  'no-intercept': {
    ...tlsFlags['no-intercept'],
    describe: 'The proxy was started so: nobody has to trust it',
  },
  ...authorityFlags,
} as const satisfies Flags;
