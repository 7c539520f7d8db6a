import { basename } from 'node:path';
import { AtomicFile } from '../atomic-file.ts';
import { Child, describeEnding, type Ending, exitCodeOf } from '../child.ts';
import type { Invocation, Result } from '../command.ts';
import { ControlApi, sessionPath, textIn } from '../control-api.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { firstSignal } from '../first-signal.ts';
import { readDuration, readWord } from '../flag-value.ts';
import { flagValue } from '../flags.ts';
import { type InputDocument, inDocument, readInput } from '../input-document.ts';
import { readListenerUrl } from '../listener-url.ts';
import { counted } from './change.ts';
import { type ClosedSession, closeSession } from './close.ts';
import { demandFlag } from './flag.ts';
import { statsText } from './stats-text.ts';

/** How long a driver that was told to stop has for it, in milliseconds. */
const STOP_GRACE_MS = 5000;

/**
 * `softprobe-proxy capture run`: opens a capture session, runs the driver, closes the session, brings the case here.
 * However the driver ends, and also when it is interrupted, the session is closed and what was recorded is written.
 *
 * @throws {CliFailure} where nothing was recorded yet
 */
export async function captureDriver(invocation: Invocation): Promise<Result> {
  const settings = await readSettings(invocation);
  const { driver, out, caseId, redaction, ingressUrlOf, timeoutMs } = settings;
  await using file = await AtomicFile.create('--out', out);
  // From here on a signal must not leave a session open that nobody has the id of.
  const interrupted = firstSignal();
  const api = ControlApi.of(invocation);
  const ingressUrl = ingressUrlOf(await api.get('/v1/meta'));
  const created = await api.post('/v1/sessions', { mode: 'capture', caseId });
  const sessionId = textIn(created, 'sessionId');
  if (redaction !== undefined) await redact(api, sessionId, redaction);

  invocation.note(`a capture session is open; running ${driver}`);
  const environment = {
    ...invocation.environment,
    SOFTPROBE_SESSION_ID: sessionId,
    SOFTPROBE_INGRESS_URL: ingressUrl,
    SOFTPROBE_RUNTIME_URL: api.url,
  };
  const child = await startDriver(driver, environment, invocation.json);
  const run = await waitForDriver(child, interrupted, timeoutMs);
  const closed = await closeSession(api, sessionId, file);
  for (const warning of closed.warnings) invocation.note(`warning: ${warning}`);
  if (closed.stats.extractedSpans === 0) {
    invocation.note(
      `warning: nothing was recorded: the driver has to send its requests to $SOFTPROBE_INGRESS_URL (${ingressUrl}), with the header x-softprobe-session-id: $SOFTPROBE_SESSION_ID`,
    );
  }
  return resultOf(sessionId, run, closed);
}

async function readSettings(invocation: Invocation) {
  const { args } = invocation;
  const out = readWord('--out', demandFlag(invocation, 'out'));
  const timeout = flagValue(args, 'timeout');
  const redactFile = flagValue(args, 'redact-file');
  return {
    driver: readWord('--driver', demandFlag(invocation, 'driver')),
    out,
    caseId: readWord(
      '--case-id',
      flagValue(args, 'case-id') ?? basename(out).replace(/(\.case)?\.json$/i, ''),
    ),
    ingressUrlOf: readListenerUrl('ingress', invocation),
    timeoutMs: timeout === undefined ? undefined : readDuration('--timeout', timeout),
    redaction: redactFile === undefined ? undefined : await readInput(redactFile),
  };
}

/** By a rule for every hop. A session that cannot hide what it should is closed before anything is recorded. */
async function redact(api: ControlApi, sessionId: string, redaction: InputDocument): Promise<void> {
  const rule = { id: 'redact', when: {}, then: { action: 'capture_only', captureOnly: redaction.value } };
  try {
    await api.post(sessionPath(sessionId, 'rules'), { version: 1, rules: [rule] });
  } catch (error) {
    await api.post(sessionPath(sessionId, 'close'), {}).catch(() => {});
    if (!(error instanceof CliFailure) || error.code !== 'invalid_request') throw error;
    // Told as the user wrote it: the rule around it is ours.
    const details = error.details.map((detail) => ({
      ...detail,
      pointer: detail.pointer.replace('/rules/0/then/captureOnly', ''),
    }));
    const { message, code, exitCode } = error;
    throw await inDocument(redaction, new CliFailure(message, { code, exitCode, details }));
  }
}

/** How the driver ended, and what ended it where that was not itself. */
interface DriverRun {
  readonly ending: Ending;
  readonly stoppedBy?: NodeJS.Signals | 'timeout';
}

function startDriver(driver: string, environment: NodeJS.ProcessEnv, json: boolean): Promise<Child> {
  return Child.start([driver], {
    environment,
    stdout: json ? 'stderr' : 'inherit',
    readsStdin: false,
    // All that it starts is stopped with it.
    ownGroup: true,
    shell: true,
  });
}

async function waitForDriver(
  child: Child,
  interrupted: Promise<NodeJS.Signals>,
  timeoutMs: number | undefined,
): Promise<DriverRun> {
  const { promise: late, resolve: giveUp } = Promise.withResolvers<'timeout'>();
  const timer = timeoutMs === undefined ? undefined : setTimeout(giveUp, timeoutMs, 'timeout');
  const first = await Promise.race([interrupted, late, child.ended]);
  clearTimeout(timer);
  if (typeof first !== 'string') return { ending: first };
  return { ending: await child.stop(STOP_GRACE_MS), stoppedBy: first };
}

function resultOf(sessionId: string, { ending, stoppedBy }: DriverRun, closed: ClosedSession): Result {
  const driverExitCode = exitCodeOf(ending);
  const error = failureOf(ending, stoppedBy) ?? closed.failure;
  const { stats, capturePath } = closed;
  const written = capturePath === null ? '' : `\ncase ${capturePath}`;
  const recorded = typeof stats.extractedSpans === 'number' ? stats.extractedSpans : 0;
  return {
    text: `${counted(recorded, 'hop')} recorded\n${statsText(stats)}${written}`,
    fields: { sessionId, driverExitCode, stats, capturePath },
    ...(error && {
      exitCode: ExitCode.failure,
      error: { code: error.code, message: error.message },
    }),
  };
}

function failureOf(ending: Ending, stoppedBy: DriverRun['stoppedBy']): CliFailure | undefined {
  if (stoppedBy === 'timeout') {
    return new CliFailure('the driver took longer than --timeout allows and was stopped', {
      code: 'driver_timeout',
    });
  }
  if (stoppedBy !== undefined) {
    return new CliFailure(`interrupted by ${stoppedBy}: the driver was stopped, the session closed`, {
      code: 'interrupted',
    });
  }
  if (exitCodeOf(ending) === 0) return undefined;
  return new CliFailure(`the driver failed (${describeEnding(ending)})`, { code: 'driver_failed' });
}
