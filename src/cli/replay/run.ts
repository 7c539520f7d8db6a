import { inboundRequests } from '../../cases/recorded-request.ts';
import { AtomicFile } from '../atomic-file.ts';
import { readCase } from '../case/read-case.ts';
import type { Invocation, Result } from '../command.ts';
import { ControlApi } from '../control-api.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { isSet } from '../flags.ts';
import { progressLine } from '../progress.ts';
import { CaseReplay, type ReplayPlace } from './case.ts';
import { htmlReport } from './html.ts';
import { junitReport } from './junit.ts';
import { type ReplayedCase, totalsOf } from './result.ts';
import type { RecordedCase } from './session.ts';
import { type ReplayProxy, readReplaySettings, readSecrets } from './settings.ts';
import { replayText, summaryOf } from './text.ts';

/**
 * `softprobe-proxy replay run`: sends the requests of recorded cases to the service again while its own calls are
 * answered from the recording, and compares its answers with the recorded ones.
 *
 * In order: everything is checked that can be; a proxy is started, where none runs; for each case a session is
 * opened, its requests are sent one after the other, the session is closed; the reports are written. However it
 * ends, no session stays open.
 *
 * @throws {CliFailure}
 */
export async function replayRun(invocation: Invocation): Promise<Result> {
  const settings = readReplaySettings(invocation);
  const newSecrets = await readSecrets(settings.fixturesFile);
  const cases = await readCases(settings.files);
  await using cleanup = new AsyncDisposableStack();
  const create = async (flag: string, file: string | undefined) =>
    file === undefined ? undefined : cleanup.use(await AtomicFile.create(flag, file));
  const report = await create('--report', settings.reportFile);
  const junit = await create('--junit', settings.junitFile);

  const interrupted = abortedBySignal();
  const place = await openPlace(settings.proxy, invocation, cleanup);
  using progress = progressLine(invocation);
  const results: ReplayedCase[] = [];
  try {
    for (const [at, recorded] of cases.entries()) {
      const replay = new CaseReplay(recorded, settings, place, newSecrets(), interrupted, invocation.note);
      const prefix = cases.length > 1 ? `case ${at + 1} of ${cases.length}, ` : '';
      results.push(await replay.run((text) => progress.show(prefix + text)));
    }
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    const { passed, failed } = totalsOf(results);
    throw new CliFailure(
      `interrupted by ${error.signal}: the session is closed, no report was written (until then ${passed} passed, ${failed} failed)`,
      { code: 'interrupted', cause: error },
    );
  }
  await report?.write([htmlReport(results)]);
  await junit?.write([junitReport(results)]);
  return resultOf(results, [report, junit]);
}

/** All of them before anything runs: a mistake in the last is not found after an hour. */
async function readCases(files: readonly string[]): Promise<RecordedCase[]> {
  const cases: RecordedCase[] = [];
  for (const file of files) {
    const document = await readCase(file);
    const { requests, skipped } = inboundRequests(document);
    if (requests.length === 0) {
      const why = skipped.map(({ request, reason }) => `\n  ${request}: ${reason}`).join('');
      throw new CliFailure(
        `${file} has no request to the service that could be sent again; record with requests that go through the ingress listener${why}`,
        { code: 'nothing_to_replay' },
      );
    }
    cases.push({ file, document });
  }
  return cases;
}

async function openPlace(
  proxy: ReplayProxy,
  invocation: Invocation,
  cleanup: AsyncDisposableStack,
): Promise<ReplayPlace> {
  if (proxy.kind === 'running') {
    const api = ControlApi.of(invocation);
    return {
      api,
      ingressUrl: proxy.ingressUrlOf(await api.get('/v1/meta')),
      egressUrl: undefined,
      appUrl: undefined,
    };
  }
  const { createLog } = await import('../start/log.ts');
  const { openProxy } = await import('../start/open-proxy.ts');
  const { openTls } = await import('../start/open-tls.ts');
  const { settings } = proxy;
  const quiet = isSet(invocation.args, 'quiet');
  const level = invocation.verbose ? 'info' : 'warn';
  const log = await createLog(quiet ? 'silent' : level, invocation.environment);
  // Whatever comes to this proxy is the service's: it need not pass on what ties its calls to a session.
  const running = await openProxy(settings, await openTls(settings.tls), log, { fallbackSession: 'sole' });
  cleanup.defer(() => running.close());
  const { control, ingress, egress } = running.urls;
  invocation.note(`a proxy stands before ${settings.proxy.appUrl}, which has to call out through ${egress}`);
  return {
    api: new ControlApi(control, settings.proxy.apiToken),
    ingressUrl: ingress,
    egressUrl: egress,
    appUrl: settings.proxy.appUrl,
  };
}

/** The run was ended by a signal. */
class Interruption extends Error {
  override readonly name = 'Interruption';
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
    this.signal = signal;
  }
}

/** The listeners stay: a second Ctrl-C must not leave a session open. */
function abortedBySignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => controller.abort(new Interruption(signal)));
  }
  return controller.signal;
}

function resultOf(cases: readonly ReplayedCase[], files: readonly (AtomicFile | undefined)[]): Result {
  const { passed, failed, misses } = totalsOf(cases);
  const written = files.flatMap((file) => (file === undefined ? [] : [`written ${file.path}`]));
  const result = {
    text: [replayText(cases), ...written].join('\n'),
    fields: { cases, passed, failed, misses },
  };
  if (failed > 0) {
    const error = {
      code: 'drift',
      message: `the service answers otherwise than it did: ${summaryOf(cases)}`,
    };
    return { ...result, exitCode: ExitCode.drift, error };
  }
  if (misses === 0) return result;
  const message = `the service answers as it did, but made calls that the recording has no answer for: ${misses}`;
  return { ...result, exitCode: ExitCode.strictMisses, error: { code: 'strict_misses', message } };
}
