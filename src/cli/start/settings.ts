import { resolve } from 'node:path';
import type { ProxyOptions } from '../../proxy/index.ts';
import { UsageError } from '../failure.ts';
import {
  readChoice,
  readCount,
  readDuration,
  readHeaderName,
  readHost,
  readOrigin,
  readPort,
  readSize,
  readWord,
} from '../flag-value.ts';
import { type Arguments, flagValue, flagValues, isSet } from '../flags.ts';
import { readJsonPath } from '../json-path-value.ts';
import { listeners } from '../listeners.ts';
import { logLevels } from './flags.ts';
import { readTlsSettings, type TlsSettings } from './tls-settings.ts';

/** Everything that a proxy was told, checked. */
export interface ProxySettings {
  readonly proxy: Omit<ProxyOptions, 'logger' | 'version' | 'interception' | 'upstreamTls'> & {
    readonly captureDir: string;
  };
  /** Names files that `openTls` reads. */
  readonly tls: TlsSettings;
  /** Undefined where nothing was said. */
  readonly logLevel: (typeof logLevels)[number] | undefined;
}

/** Everything that `start` was told, checked. */
export interface StartSettings extends ProxySettings {
  readonly json: boolean;
  readonly logLevel: (typeof logLevels)[number];
}

/**
 * Reads the flags of `start` and the environment (CONTRACT section 1). A flag goes before its variable. Looks
 * at no file and opens nothing.
 *
 * @throws {UsageError} that names the flag or variable
 */
export function readStartSettings(args: Arguments, environment: NodeJS.ProcessEnv): StartSettings {
  const settings = readProxySettings(args, environment);
  const fallback = flagValue(args, 'fallback-session');
  const fallbackSession =
    fallback === undefined ? undefined : readFallbackSession('--fallback-session', fallback);
  return {
    ...settings,
    proxy: { ...settings.proxy, ...(fallbackSession !== undefined && { fallbackSession }) },
    json: isSet(args, 'json'),
    logLevel:
      settings.logLevel ?? (isSet(args, 'verbose') ? 'debug' : isSet(args, 'quiet') ? 'warn' : 'info'),
  };
}

/**
 * Reads the flags that `start` and `run` share, as {@link readStartSettings} does.
 *
 * @param unsaid what holds where neither a flag nor the environment says it
 */
export function readProxySettings(
  args: Arguments,
  environment: NodeJS.ProcessEnv,
  { appUrl = 'http://127.0.0.1:8081', ports = 'usual' }: { appUrl?: string; ports?: 'usual' | 'free' } = {},
): ProxySettings {
  const read = <Value>(flag: string, reader: (source: string, text: string) => Value): Value | undefined => {
    const text = flagValue(args, flag);
    return text === undefined ? undefined : reader(`--${flag}`, text);
  };
  const readAll = <Value>(flag: string, reader: (source: string, text: string) => Value): Value[] =>
    flagValues(args, flag).map((text) => reader(`--${flag}`, text));
  const readVariable = <Value>(name: string, reader: (source: string, text: string) => Value) => {
    const text = environment[name];
    return text === undefined || text === '' ? undefined : reader(name, text);
  };

  const captureFile = readVariable('SOFTPROBE_CAPTURE_CASE_PATH', readWord);
  const proxy = {
    appUrl: read('app-url', readOrigin) ?? readVariable('APP_URL', readOrigin) ?? appUrl,
    upstream: read('upstream', readOrigin),
    serviceName: read('service-name', readWord),
    host: read('host', readHost),
    ...readPorts(args, ports),
    captureDir: resolve(read('capture-dir', readWord) ?? 'captures'),
    captureFile: captureFile === undefined ? undefined : resolve(captureFile),
    maxRecordedBody: read('max-recorded-body', readSize),
    redact: readRedaction(
      args,
      readAll('redact-header', readHeaderName),
      readAll('redact-body-path', readJsonPath),
    ),
    traceContext: isSet(args, 'no-trace-context') ? false : undefined,
    sessionTtlMs: read('session-ttl', readDuration),
    maxSessions: read('max-sessions', readCount),
    connectTimeoutMs: read('connect-timeout', readDuration),
    headerTimeoutMs: read('header-timeout', readDuration),
    drainTimeoutMs: read('drain-timeout', (source, text) => readDuration(source, text, { allowZero: true })),
    apiToken: readVariable('SOFTPROBE_API_TOKEN', readWord),
  };
  return {
    proxy: withoutUndefined(proxy),
    tls: readTlsSettings(args, environment),
    logLevel: read('log-level', (source, text) => readChoice(source, text, logLevels)),
  };
}

function readFallbackSession(source: string, text: string): 'sole' | undefined {
  return readChoice(source, text, ['sole', 'none']) === 'sole' ? 'sole' : undefined;
}

type Ports = Record<`${(typeof listeners)[number]['name']}Port`, number>;

function readPorts(args: Arguments, unsaid: 'usual' | 'free'): Ports {
  const flagsByPort = new Map<number, string>();
  const ports: Partial<Ports> = {};
  for (const { name, flag, port: usual } of listeners) {
    const text = flagValue(args, flag);
    const unsaidPort = unsaid === 'usual' ? usual : 0;
    const port = text === undefined ? unsaidPort : readPort(`--${flag}`, text);
    const taken = flagsByPort.get(port);
    if (port !== 0 && taken !== undefined) {
      const [given, other] = text === undefined ? [taken, flag] : [flag, taken];
      throw new UsageError(
        `--${given}: ${port} is also the port of --${other}; every listener needs its own`,
      );
    }
    flagsByPort.set(port, flag);
    ports[`${name}Port`] = port;
  }
  return ports as Ports;
}

function readRedaction(
  args: Arguments,
  headers: string[],
  bodyPaths: string[],
): false | { headers: string[]; bodyPaths: string[] } {
  if (!isSet(args, 'no-redact')) return { headers, bodyPaths };
  if (headers.length > 0 || bodyPaths.length > 0) {
    const flag = headers.length > 0 ? '--redact-header' : '--redact-body-path';
    throw new UsageError(
      `--no-redact: turns all redaction off, so ${flag} would have no effect; leave one out`,
    );
  }
  return false;
}

type Given<Value> = { [Key in keyof Value]: Exclude<Value[Key], undefined> };

/** Leaves out what was not given, so that each part's own default applies. */
function withoutUndefined<Value extends object>(value: Value): Given<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as Given<Value>;
}
