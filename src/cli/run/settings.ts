import { resolve } from 'node:path';
import type { Invocation } from '../command.ts';
import { UsageError } from '../failure.ts';
import { readDuration, readPort, readWord } from '../flag-value.ts';
import { flagValue, isSet } from '../flags.ts';
import { type ProxySettings, readProxySettings } from '../start/settings.ts';
import { readUnknownBody, type UnknownBody } from '../unknown-body.ts';

/** What becomes of the calls that the command makes. Files are absolute paths. */
export type RunMode =
  /** They pass; whoever opens a session of this proxy can record and mock them. */
  | { readonly kind: 'pass' }
  | { readonly kind: 'capture'; readonly file: string }
  | { readonly kind: 'replay'; readonly file: string; readonly unknownBody: UnknownBody };

/** Where a service shows that it is up. */
export type WaitTarget =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'port'; readonly port: number };

/** A second command, which drives the first. Times are in milliseconds. */
export interface DriverSettings {
  /** For the shell. */
  readonly command: string;
  readonly waitFor: WaitTarget;
  readonly waitTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

/** Everything that `run` was told, checked. */
export interface RunSettings extends ProxySettings {
  readonly mode: RunMode;
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly driver: DriverSettings | undefined;
  readonly logLevel: NonNullable<ProxySettings['logLevel']>;
}

/**
 * Reads the command line of `run`. Looks at no file and opens nothing.
 *
 * @throws {UsageError} that names the flag or variable
 */
export function readRunSettings({ args, rest, environment, verbose }: Invocation): RunSettings {
  const mode = readMode(args);
  const waitForText = flagValue(args, 'wait-for');
  const waitFor = waitForText === undefined ? undefined : readWaitTarget('--wait-for', waitForText);
  const settings = readProxySettings(args, environment, {
    ports: 'free',
    // Where the service shows that it is up, there it is.
    ...(waitFor !== undefined && { appUrl: originOf(waitFor) }),
  });
  const [program, ...programArguments] = rest;
  if (program === undefined || program === '') {
    throw new UsageError('run: expected a command after --, as in `softprobe-proxy run -- npm start`');
  }
  return {
    ...settings,
    mode,
    command: [program, ...programArguments],
    driver: readDriver(args, waitFor ?? { kind: 'url', url: settings.proxy.appUrl }),
    logLevel: isSet(args, 'quiet') ? 'silent' : (settings.logLevel ?? (verbose ? 'info' : 'warn')),
  };
}

function readMode(args: Invocation['args']): RunMode {
  const capture = flagValue(args, 'capture');
  const replay = flagValue(args, 'replay');
  const unknownBody = readUnknownBody(args);
  if (capture !== undefined && replay !== undefined) {
    throw new UsageError('--capture: a run either records or replays; leave out --replay, or --capture');
  }
  if (replay !== undefined) {
    return {
      kind: 'replay',
      file: resolve(readWord('--replay', replay)),
      unknownBody: unknownBody ?? 'miss',
    };
  }
  if (unknownBody !== undefined) throw new UsageError('--unknown-body: has no effect without --replay');
  if (capture !== undefined) return { kind: 'capture', file: resolve(readWord('--capture', capture)) };
  return { kind: 'pass' };
}

function readDriver(args: Invocation['args'], waitFor: WaitTarget): DriverSettings | undefined {
  const command = flagValue(args, 'driver');
  if (command === undefined) {
    const vain = ['wait-for', 'wait-timeout', 'stop-timeout'].find(
      (flag) => flagValue(args, flag) !== undefined,
    );
    if (vain !== undefined) throw new UsageError(`--${vain}: has no effect without --driver`);
    return undefined;
  }
  const waitTimeout = flagValue(args, 'wait-timeout') ?? '60s';
  const stopTimeout = flagValue(args, 'stop-timeout') ?? '10s';
  return {
    command: readWord('--driver', command),
    waitFor,
    waitTimeoutMs: readDuration('--wait-timeout', waitTimeout),
    stopTimeoutMs: readDuration('--stop-timeout', stopTimeout, { allowZero: true }),
  };
}

/** @returns a port from 1, or a URL of HTTP */
function readWaitTarget(source: string, text: string): WaitTarget {
  if (/^\d+$/.test(text)) {
    const port = readPort(source, text);
    if (port === 0) throw new UsageError(`${source}: expected a port from 1 to 65535, or a URL, got "0"`);
    return { kind: 'port', port };
  }
  if (!/^https?:\/\/[^/\\\s]/i.test(text) || !URL.canParse(text)) {
    throw new UsageError(
      `${source}: expected a port, or a URL such as http://127.0.0.1:8081/health, got ${JSON.stringify(text)}`,
    );
  }
  return { kind: 'url', url: text };
}

function originOf(target: WaitTarget): string {
  return target.kind === 'port' ? `http://127.0.0.1:${target.port}` : new URL(target.url).origin;
}

/** For messages. */
export function describeTarget(target: WaitTarget): string {
  return target.kind === 'port' ? `port ${target.port}` : target.url;
}
