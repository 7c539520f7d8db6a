import type { Flags } from '../flags.ts';
import { proxyFlags } from '../start/flags.ts';
import { unknownBodyFlag } from '../unknown-body.ts';

const session = 'What becomes of the calls:';
const driver = 'Driving a service:';

/** The flags of `softprobe-proxy run`. */
export const runFlags = {
  capture: {
    type: 'string',
    requiresArg: true,
    group: session,
    describe: 'Record everything; FILE is the case that is written at the end',
  },
  replay: {
    type: 'string',
    requiresArg: true,
    group: session,
    describe: 'Answer the calls from the case in FILE, let none out; exit code 6 if some were not in it',
  },
  'unknown-body': { ...unknownBodyFlag, group: session },
  driver: {
    type: 'string',
    requiresArg: true,
    group: driver,
    describe: 'COMMAND is a service: run this shell command against it, then stop the service',
  },
  'wait-for': {
    type: 'string',
    requiresArg: true,
    group: driver,
    defaultDescription: 'the port of your service',
    describe: 'The driver starts when this URL answers, or this port of this machine accepts',
  },
  'wait-timeout': {
    type: 'string',
    requiresArg: true,
    group: driver,
    defaultDescription: '60s',
    describe: 'Longest wait for that',
  },
  'stop-timeout': {
    type: 'string',
    requiresArg: true,
    group: driver,
    defaultDescription: '10s',
    describe: 'Time between SIGTERM and SIGKILL for the service',
  },
  ...proxyFlags,
  'app-url': {
    ...proxyFlags['app-url'],
    defaultDescription: 'APP_URL, --wait-for or http://127.0.0.1:8081',
  },
  'ingress-port': { ...proxyFlags['ingress-port'], defaultDescription: 'any free port' },
  'egress-port': { ...proxyFlags['egress-port'], defaultDescription: 'any free port' },
  'control-port': { ...proxyFlags['control-port'], defaultDescription: 'any free port' },
  'admin-port': { ...proxyFlags['admin-port'], defaultDescription: 'any free port' },
  'log-level': { ...proxyFlags['log-level'], defaultDescription: 'warn; silent with --quiet' },
} as const satisfies Flags;
