import type { Logger } from 'pino';
import type { RunningProxy } from '../../proxy/index.ts';
import { readCase } from '../case/read-case.ts';
import { Child, exitCodeOf } from '../child.ts';
import { checkCommand } from '../child-command.ts';
import type { Invocation, Result } from '../command.ts';
import { ControlApi } from '../control-api.ts';
import { ecosystemVariables, type TrustFiles } from '../env/ecosystem-table.ts';
import { readUserTrust, type UserTrust, unreadableLines, writeTrustFiles } from '../env/ecosystem-trust.ts';
import { ExitCode } from '../exit-code.ts';
import { createLog } from '../start/log.ts';
import { checkCapturePlaces, openProxy } from '../start/open-proxy.ts';
import { type OpenTls, openTls } from '../start/open-tls.ts';
import { drive } from './driver.ts';
import { RunFolder } from './folder.ts';
import { PreviousCapture } from './previous-capture.ts';
import { reportLines } from './report.ts';
import { openRunSession, type RunReport, type RunSession } from './session.ts';
import { type RunSettings, readRunSettings } from './settings.ts';
import { InterruptedError, RunSignals } from './signals.ts';

/**
 * `softprobe-proxy run`: a proxy for the life of one command, and the command told to use it.
 *
 * In order: everything is checked that can be; the proxy opens its listeners; the session opens; the command runs
 * (or the service, and the driver against it); the session closes, which writes the capture; the proxy closes; the
 * temporary files go. Whatever fails or interrupts on the way, what had been opened before is closed.
 *
 * @returns what to tell with `--json`, else the exit code: the command's (the driver's, where there is one), or 6
 * where that is 0 and a replay had to refuse calls
 * @throws {CliFailure}
 */
export async function run(invocation: Invocation): Promise<Result | number> {
  const { environment, json } = invocation;
  // What the command prints stands around it.
  const note = (line: string) => invocation.note(`softprobe-proxy: ${line}`);
  const settings = readRunSettings(invocation);
  const proxySettings = withCaptureFile(settings);
  const { mode } = settings;
  const document = mode.kind === 'replay' ? await readCase(mode.file) : undefined;
  await checkCapturePlaces(proxySettings.proxy, mode.kind === 'capture' ? '--capture' : undefined);
  await checkCommand(settings.command[0], environment);

  using signals = new RunSignals((signal) => process.exit(new InterruptedError(signal).exitCode));
  using _stderr = surviveStderr();
  const log = await createLog(settings.logLevel, environment);
  using _defects = logDefects(log);
  const user = await readUserTrust(environment);
  const tls = await openTlsOfRun(settings, user, note);
  using folder = tls.authority && (await RunFolder.create());
  const trust = tls.authority && folder && (await writeTrustFiles(tls.authority, user, folder.path));
  await using previous = mode.kind === 'capture' ? await PreviousCapture.keep(mode.file) : undefined;
  const proxy = await openProxy(proxySettings, tls, log, { fallbackSession: 'sole' });
  await using _closing = { [Symbol.asyncDispose]: () => closeProxy(proxy, log) };
  const api = new ControlApi(proxy.urls.control, proxySettings.proxy.apiToken);
  const session = await openRunSession(api, mode, document, note);
  note(readyNote(settings, proxy));

  const environments = childEnvironments(environment, proxy, session, trust);
  const ending = await runCommands(settings, environments, signals, { json, note }).catch(
    interruptedOrFailed,
  );
  signals.target = { kind: 'done' };
  const report = await session?.close();
  if (report !== undefined) for (const line of reportLines(mode, report)) note(line);
  const isBrokenOff = ending instanceof FailedRun || ending instanceof InterruptedError;
  if (isBrokenOff && report?.hops === 0 && (await previous?.restore())) {
    note('nothing was recorded: the capture that was there before is back');
  }
  if (ending instanceof FailedRun) throw ending.failure;
  const result = ending instanceof InterruptedError ? interruptedResult(ending) : resultOf(ending, report);
  return json ? result : (result.exitCode ?? ExitCode.ok);
}

/** What is thrown when everything else has been brought to its end. */
class FailedRun {
  readonly failure: unknown;

  constructor(failure: unknown) {
    this.failure = failure;
  }
}

function interruptedOrFailed(failure: unknown): InterruptedError | FailedRun {
  return failure instanceof InterruptedError ? failure : new FailedRun(failure);
}

/** A capture that could not be written has been told of by the attempt to close its session, or is logged here. */
async function closeProxy(proxy: RunningProxy, log: Logger): Promise<void> {
  try {
    await proxy.close();
  } catch (error) {
    log.error({ err: error }, 'stopped, and not everything was saved');
  }
}

/** The capture has its exact file: the one of the proxy's settings for sessions that are closed without a name. */
function withCaptureFile({ proxy, mode }: RunSettings): Pick<RunSettings, 'proxy'> {
  return { proxy: mode.kind === 'capture' ? { ...proxy, captureFile: mode.file } : proxy };
}

/** Opens TLS so that the calls of the command trust whom it trusted before, by its environment. */
async function openTlsOfRun(
  settings: RunSettings,
  user: UserTrust,
  note: (line: string) => void,
): Promise<OpenTls> {
  const tls = await openTls(settings.tls);
  if (tls.authority === undefined) return tls;
  for (const line of unreadableLines(user)) note(line);
  const { upstreamTls } = tls.options;
  const ca = [...(upstreamTls.ca ?? []), ...user.certificates];
  return { ...tls, options: { ...tls.options, upstreamTls: { ...upstreamTls, ca } } };
}

interface Environments {
  /** Of the command that calls out through the proxy. */
  readonly command: NodeJS.ProcessEnv;
  /** Of the driver, which is a test client: it calls the ingress, and nothing through the egress. */
  readonly driver: NodeJS.ProcessEnv;
}

function childEnvironments(
  environment: NodeJS.ProcessEnv,
  { urls }: RunningProxy,
  session: RunSession | undefined,
  trust: TrustFiles | undefined,
): Environments {
  // A session id from outside would name a session of another proxy.
  const { SOFTPROBE_SESSION_ID: _, ...inherited } = environment;
  const ours = {
    SOFTPROBE_INGRESS_URL: urls.ingress,
    SOFTPROBE_RUNTIME_URL: urls.control,
    ...(session !== undefined && { SOFTPROBE_SESSION_ID: session.id }),
  };
  const variables = ecosystemVariables({
    egressUrl: urls.egress,
    sessionId: session?.id,
    trust,
    environment,
  });
  return {
    command: { ...inherited, ...variables, ...ours },
    driver: { ...inherited, ...ours, ...noProxyFor(new URL(urls.ingress).hostname, environment) },
  };
}

/** Where the user has a proxy of their own, the ingress is not behind it. */
function noProxyFor(host: string, environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const usual = environment.no_proxy || environment.NO_PROXY;
  const list = usual ? `${usual},${host}` : host;
  const hasProxy = ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].some((name) => environment[name]);
  return hasProxy ? { NO_PROXY: list, no_proxy: list } : {};
}

/** @returns the exit code of the run, as far as the commands have a say in it */
async function runCommands(
  { command, driver }: RunSettings,
  environments: Environments,
  signals: RunSignals,
  { json, note }: Pick<Invocation, 'json' | 'note'>,
): Promise<number> {
  signals.interrupted.throwIfAborted();
  // With --json stdout has one document and nothing else.
  const stdout = json ? 'stderr' : 'inherit';
  if (driver !== undefined) return drive({ command, driver, environments, signals, stdout, note });
  const child = await Child.start(command, {
    environment: environments.command,
    stdout,
    readsStdin: true,
    ownGroup: false,
  });
  signals.target = { kind: 'child', sharesTerminal: true, signal: (signal) => child.signal(signal) };
  return exitCodeOf(await child.ended);
}

function readyNote({ mode, proxy, driver }: RunSettings, { urls }: RunningProxy): string {
  const what = { pass: 'passing calls on', capture: 'recording', replay: 'replaying' }[mode.kind];
  const ingress = `ingress ${urls.ingress} to ${proxy.appUrl}`;
  return `${what}; egress ${urls.egress}, ${ingress}, control ${urls.control}${driver ? '; starting the service' : ''}`;
}

function resultOf(commandExitCode: number, report: RunReport | undefined): Result {
  const refused = report?.refused ?? 0;
  const fields = {
    commandExitCode,
    ...(report?.capturePath !== undefined && { capturePath: report.capturePath }),
    hops: report?.hops ?? 0,
    answered: report?.answered ?? 0,
    refused,
    misses: report?.misses ?? [],
  };
  if (commandExitCode !== 0) {
    const message = `the command ended with exit code ${commandExitCode}`;
    return { text: '', fields, exitCode: commandExitCode, error: { code: 'command_failed', message } };
  }
  if (refused === 0) return { text: '', fields };
  const message = `calls were refused that the replayed case has no answer for: ${refused}`;
  return { text: '', fields, exitCode: ExitCode.strictMisses, error: { code: 'strict_misses', message } };
}

function interruptedResult({ message, exitCode }: InterruptedError): Result {
  return { text: '', fields: {}, exitCode, error: { code: 'interrupted', message } };
}

/** A defect of ours must cost neither the command nor its capture: it is logged, and the run goes on. */
function logDefects(log: Logger): Disposable {
  const onRejection = (reason: unknown) => {
    log.error({ err: reason }, 'a defect: a rejection that nobody handled; traffic goes on');
  };
  const onException = (error: Error) => {
    log.fatal({ err: error }, 'a defect: an exception that nobody caught; the run goes on');
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onException);
  return {
    [Symbol.dispose]() {
      process.off('unhandledRejection', onRejection);
      process.off('uncaughtException', onException);
    },
  };
}

/** Somebody who no longer reads our stderr (`2>&1 | head`) ends neither the command nor its capture. */
function surviveStderr(): Disposable {
  const others = process.stderr.listeners('error') as ((error: Error) => void)[];
  const ignore = () => {};
  for (const other of others) process.stderr.off('error', other);
  process.stderr.on('error', ignore);
  return {
    [Symbol.dispose]() {
      process.stderr.off('error', ignore);
      for (const other of others) process.stderr.on('error', other);
    },
  };
}
