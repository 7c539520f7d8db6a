import type { Flags } from '../flags.ts';

/** The flags of `softprobe-proxy capture run`. */
export const captureRunFlags = {
  driver: {
    type: 'string',
    requiresArg: true,
    describe: 'Command that drives the service, a line for the shell',
  },
  out: { type: 'string', requiresArg: true, describe: 'Write the case to this file' },
  'case-id': {
    type: 'string',
    requiresArg: true,
    defaultDescription: 'the name of the file',
    describe: 'Name of the case',
  },
  'ingress-url': {
    type: 'string',
    requiresArg: true,
    defaultDescription: 'SOFTPROBE_INGRESS_URL or what the proxy tells',
    describe: 'The ingress listener of the proxy, for the driver',
  },
  'redact-file': {
    type: 'string',
    requiresArg: true,
    describe:
      'What else to hide: { redactHeaders: [ NAME … ], redactBodyPaths: [ JSONPATH … ] } (JSON or YAML)',
  },
  timeout: { type: 'string', requiresArg: true, describe: 'Time that the driver may take, such as 5m' },
} as const satisfies Flags;
