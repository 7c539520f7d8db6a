import type { Flags } from './flags.ts';

const everywhere = 'Every command:';

/** The flags that every command has; one that a command has itself under the same name goes before. */
export const globalFlags = {
  'runtime-url': {
    type: 'string',
    requiresArg: true,
    group: everywhere,
    defaultDescription: 'SOFTPROBE_RUNTIME_URL',
    describe: 'Control API of the proxy (else http://127.0.0.1:8080)',
  },
  json: { type: 'boolean', group: everywhere, describe: 'Print one JSON document, also for a failure' },
  quiet: { type: 'boolean', group: everywhere, describe: 'Say only what was asked for, and errors' },
  verbose: { type: 'boolean', group: everywhere, describe: 'Say more on stderr' },
  help: { type: 'boolean', alias: 'h', group: everywhere, describe: 'Show this' },
  version: {
    type: 'boolean',
    group: everywhere,
    describe: 'Show the versions of the program and of its API',
  },
} as const satisfies Flags;
