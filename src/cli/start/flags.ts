import type { Flags } from '../flags.ts';
import { tlsFlags } from './tls-flags.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const between = 'What it stands between:';
const listening = 'Where it listens:';
const recording = 'What it records:';
const limits = 'Limits and time-outs:';
const output = 'Output:';

/**
 * What a proxy can be told, by `start` and `run` alike. Defaults are told here and applied by whoever uses the
 * value.
 */
export const proxyFlags = {
  'app-url': {
    type: 'string',
    requiresArg: true,
    group: between,
    defaultDescription: 'APP_URL or http://127.0.0.1:8081',
    describe: 'Your service: where the ingress listener forwards to',
  },
  upstream: {
    type: 'string',
    requiresArg: true,
    group: between,
    defaultDescription: 'by Host header',
    describe: 'Where egress requests go that name no host in their request line',
  },
  'service-name': {
    type: 'string',
    requiresArg: true,
    group: between,
    describe: 'Name of your service in recordings and rules',
  },
  host: {
    type: 'string',
    requiresArg: true,
    group: listening,
    defaultDescription: '127.0.0.1',
    describe: 'Address of all listeners; beyond loopback, anybody who reaches it can use the proxy',
  },
  'ingress-port': {
    type: 'string',
    requiresArg: true,
    group: listening,
    defaultDescription: '8082',
    describe: 'Tests call your service here (0: any free port)',
  },
  'egress-port': {
    type: 'string',
    requiresArg: true,
    group: listening,
    defaultDescription: '8084',
    describe: 'Your service calls the world here (HTTP_PROXY)',
  },
  'control-port': {
    type: 'string',
    requiresArg: true,
    group: listening,
    defaultDescription: '8080',
    describe: 'Control API and OTLP API',
  },
  'admin-port': {
    type: 'string',
    requiresArg: true,
    group: listening,
    defaultDescription: '18001',
    describe: '/ready and /metrics',
  },
  'capture-dir': {
    type: 'string',
    requiresArg: true,
    group: recording,
    defaultDescription: 'captures',
    describe: 'Folder for case files',
  },
  'max-recorded-body': {
    type: 'string',
    requiresArg: true,
    group: recording,
    defaultDescription: '1MiB',
    describe: 'Bytes kept of each body; the traffic itself is never cut',
  },
  'redact-header': {
    type: 'string',
    array: true,
    requiresArg: true,
    group: recording,
    describe: 'Also hide the values of these headers: NAME …',
  },
  'redact-body-path': {
    type: 'string',
    array: true,
    requiresArg: true,
    group: recording,
    describe: 'Also hide what these select in JSON bodies: JSONPATH …',
  },
  'no-redact': {
    type: 'boolean',
    group: recording,
    describe: 'Write secrets (authorization, cookies, …) into case files as they are',
  },
  'no-trace-context': {
    type: 'boolean',
    group: recording,
    describe: 'Do not write traceparent and tracestate on what is forwarded',
  },
  ...tlsFlags,
  'session-ttl': {
    type: 'string',
    requiresArg: true,
    group: limits,
    defaultDescription: '1h',
    describe: 'Idle time after which a session is closed and its capture written',
  },
  'max-sessions': {
    type: 'string',
    requiresArg: true,
    group: limits,
    defaultDescription: '1000',
    describe: 'Sessions that may be open at once',
  },
  'connect-timeout': {
    type: 'string',
    requiresArg: true,
    group: limits,
    defaultDescription: '5s',
    describe: 'Time to reach an upstream',
  },
  'header-timeout': {
    type: 'string',
    requiresArg: true,
    group: limits,
    defaultDescription: '60s, 300s',
    describe: 'Time for the headers of a request, and of its answer',
  },
  'drain-timeout': {
    type: 'string',
    requiresArg: true,
    group: limits,
    defaultDescription: '10s',
    describe: 'Time that open requests get to finish on SIGTERM or Ctrl-C',
  },
  'log-level': {
    type: 'string',
    requiresArg: true,
    group: output,
    defaultDescription: 'info',
    describe: `Least level of the log on stderr: ${logLevels.join(', ')}`,
  },
} as const satisfies Flags;

/** The flags of `softprobe-proxy start`. */
export const startFlags = {
  ...proxyFlags,
  'fallback-session': {
    type: 'string',
    requiresArg: true,
    group: between,
    defaultDescription: 'none',
    describe: 'sole: while exactly one session is open, whatever belongs to no session is tied to that one',
  },
  json: {
    type: 'boolean',
    group: output,
    describe: 'Print where it listens as one line of JSON',
  },
} as const satisfies Flags;
