import type { Flags } from '../flags.ts';
import { tlsFlags } from '../start/tls-flags.ts';
import { unknownBodyFlag } from '../unknown-body.ts';

const what = 'What is replayed:';
const where = 'Against a proxy that runs:';
const own = 'Or with a proxy of its own:';
const comparison = 'What is compared:';
const hidden = 'What the recording hides:';
const results = 'What is written:';

/** The flags of `softprobe-proxy replay run`. */
export const replayRunFlags = {
  case: {
    type: 'string',
    array: true,
    requiresArg: true,
    group: what,
    describe: '*.case.json files with recorded requests to the service: FILE …',
  },
  timeout: {
    type: 'string',
    requiresArg: true,
    group: what,
    defaultDescription: '30s',
    describe: 'Time that the answer to one request may take',
  },
  'unknown-body': { ...unknownBodyFlag, group: what },
  'ingress-url': {
    type: 'string',
    requiresArg: true,
    group: where,
    defaultDescription: 'SOFTPROBE_INGRESS_URL or what the proxy tells',
    describe: 'Its ingress listener; its control API is at --runtime-url',
  },
  'app-url': {
    type: 'string',
    requiresArg: true,
    group: own,
    describe: 'Your service: start a proxy in front of it, for this command only',
  },
  'egress-port': {
    type: 'string',
    requiresArg: true,
    group: own,
    defaultDescription: '8084',
    describe: 'Where the service calls out to: the port of the HTTP_PROXY that it was started with',
  },
  ...tlsFlags,
  ignore: {
    type: 'string',
    array: true,
    requiresArg: true,
    group: comparison,
    describe: 'Leave out what these select in JSON bodies; $ is the whole of any body: JSONPATH …',
  },
  'ignore-header': {
    type: 'string',
    array: true,
    requiresArg: true,
    group: comparison,
    describe: 'Leave out these headers of the answers: NAME …',
  },
  fixtures: {
    type: 'string',
    requiresArg: true,
    group: hidden,
    describe: 'Tokens by the name of their header and cookies by theirs (JSON or YAML)',
  },
  header: {
    type: 'string',
    array: true,
    requiresArg: true,
    group: hidden,
    describe:
      'Header to send in the place of the recorded one, as in "authorization: Bearer x"; with every request where none had it',
  },
  report: { type: 'string', requiresArg: true, group: results, describe: 'Write a report to this HTML file' },
  junit: { type: 'string', requiresArg: true, group: results, describe: 'Write the results as JUnit XML' },
} as const satisfies Flags;
