import {
  type AuthFixtures,
  compileJsonPath,
  InvalidDocumentError,
  validateDocument,
} from '../../cases/index.ts';
import type { JsonPath } from '../../cases/json-path.ts';
import { ReplaySecrets } from '../../cases/secrets/replay-secrets.ts';
import { readHeaders } from '../case/otlp-flags.ts';
import type { Invocation } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure, UsageError } from '../failure.ts';
import { readDuration, readHeaderName, readWord } from '../flag-value.ts';
import { flagValue, flagValues } from '../flags.ts';
import { inDocument, readInput } from '../input-document.ts';
import { readJsonPath } from '../json-path-value.ts';
import { readListenerUrl } from '../listener-url.ts';
import { type ProxySettings, readProxySettings } from '../start/settings.ts';
import { tlsFlags } from '../start/tls-flags.ts';
import { readUnknownBody, type UnknownBody } from '../unknown-body.ts';

/** Through which proxy the requests go. */
export type ReplayProxy =
  | { readonly kind: 'running'; readonly ingressUrlOf: ReturnType<typeof readListenerUrl> }
  | { readonly kind: 'own'; readonly settings: ProxySettings };

/** Everything that `replay run` was told, checked. */
export interface ReplaySettings {
  readonly files: readonly string[];
  readonly proxy: ReplayProxy;
  readonly timeoutMs: number;
  readonly unknownBody: UnknownBody | undefined;
  readonly ignorePaths: readonly JsonPath[];
  /** Lower-case names. */
  readonly ignoreHeaders: readonly string[];
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  readonly fixturesFile: string | undefined;
  readonly reportFile: string | undefined;
  readonly junitFile: string | undefined;
}

/**
 * Reads the command line of `replay run`. Looks at no file and opens nothing.
 *
 * @throws {UsageError} that names the flag or variable
 */
export function readReplaySettings(invocation: Invocation): ReplaySettings {
  const { args } = invocation;
  const files = flagValues(args, 'case').map((file) => readWord('--case', file));
  if (files.length === 0) throw new UsageError('--case: this flag is needed');
  const named = (flag: string) => {
    const value = flagValue(args, flag);
    return value === undefined ? undefined : readWord(`--${flag}`, value);
  };
  return {
    files,
    proxy: readProxy(invocation),
    timeoutMs: readDuration('--timeout', flagValue(args, 'timeout') ?? '30s'),
    unknownBody: readUnknownBody(args),
    ignorePaths: flagValues(args, 'ignore').map((path) => compileJsonPath(readJsonPath('--ignore', path))),
    ignoreHeaders: flagValues(args, 'ignore-header').map((name) => readHeaderName('--ignore-header', name)),
    headers: new Map(Object.entries(readHeaders(flagValues(args, 'header')))),
    fixturesFile: named('fixtures'),
    reportFile: named('report'),
    junitFile: named('junit'),
  };
}

function readProxy(invocation: Invocation): ReplayProxy {
  const { args, environment } = invocation;
  if (flagValue(args, 'app-url') === undefined) {
    const vain = ['egress-port', ...Object.keys(tlsFlags)].find((flag) => args[flag] !== undefined);
    if (vain !== undefined) throw new UsageError(`--${vain}: has no effect without --app-url`);
    return { kind: 'running', ingressUrlOf: readListenerUrl('ingress', invocation) };
  }
  for (const flag of ['runtime-url', 'ingress-url']) {
    if (args[flag] === undefined) continue;
    throw new UsageError(
      `--app-url: starts a proxy, and --${flag} names one that runs and has its service already; leave one out`,
    );
  }
  // The service has been told where the egress is when it was started, long before this.
  const egress = flagValue(args, 'egress-port') ?? '8084';
  const settings = readProxySettings({ ...args, 'egress-port': egress }, environment, { ports: 'free' });
  return { kind: 'own', settings };
}

/**
 * Reads the file of `--fixtures`.
 *
 * @throws {CliFailure} with exit code 1 when it cannot be read, 5 when it has no fixtures
 */
export async function readSecrets(file: string | undefined): Promise<() => ReplaySecrets> {
  if (file === undefined) return () => new ReplaySecrets();
  const document = await readInput(file);
  try {
    const fixtures: AuthFixtures = validateDocument('auth-fixtures', document.value);
    // To see whether they can be used.
    new ReplaySecrets(fixtures);
    return () => new ReplaySecrets(fixtures);
  } catch (cause) {
    if (!(cause instanceof InvalidDocumentError)) throw cause;
    const failure = new CliFailure(cause.message, {
      exitCode: ExitCode.invalidDocument,
      code: 'invalid_fixtures',
      details: cause.issues,
      cause,
    });
    throw await inDocument(document, failure);
  }
}
