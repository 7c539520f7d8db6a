import type { Command, Invocation } from '../command.ts';
import { UsageError } from '../failure.ts';
import { flagValue, isSet } from '../flags.ts';

const modes = ['capture', 'replay', 'generate'] as const;

export const sessionStart: Command = {
  words: ['session', 'start'],
  summary: 'Open a session and print its id',
  flags: {
    mode: {
      type: 'string',
      requiresArg: true,
      describe: `${modes.join(', ')}: a capture session records every hop`,
    },
    policy: {
      type: 'string',
      requiresArg: true,
      describe: 'Policy to begin with (JSON or YAML file; - is stdin)',
    },
    case: { type: 'string', requiresArg: true, describe: 'Case to load into it' },
    'case-id': { type: 'string', requiresArg: true, describe: 'Name of the case that it records' },
    ttl: { type: 'string', requiresArg: true, describe: 'Idle time after which it is closed, such as 10m' },
    shell: { type: 'boolean', describe: 'Print lines for a POSIX shell to evaluate' },
  },
  examples: [
    ['session start --mode capture', 'Record from now on; prints the id of the session'],
    [
      'session start --mode replay --shell',
      'For eval "$(…)": sets SOFTPROBE_SESSION_ID for the commands after it',
    ],
    [
      'session start --mode replay --case checkout.case.json --policy strict.yaml',
      'With the rules of a case, and a policy',
    ],
  ],
  async run(invocation) {
    const { ControlApi, numberIn, sessionPath, textIn } = await import('../control-api.ts');
    const request = await readRequest(invocation);
    const { caseFile, body, policy } = request;
    const api = ControlApi.of(invocation);
    const { specVersion, schemaVersion } = await api.get('/v1/meta');
    const created = await api.post('/v1/sessions', body);
    const sessionId = textIn(created, 'sessionId');
    let sessionRevision = numberIn(created, 'sessionRevision');
    try {
      const { noteWarnings, sendDocument } = await import('../session/change.ts');
      for (const [call, document] of [
        ['policy', policy],
        ['load-case', caseFile],
      ] as const) {
        if (document === undefined) continue;
        const changed = await sendDocument(api, sessionId, call, document);
        noteWarnings(changed, invocation.note);
        sessionRevision = numberIn(changed, 'sessionRevision');
      }
    } catch (error) {
      // Nobody has its id: it would stay open until it is idle for too long.
      await api.post(sessionPath(sessionId, 'close'), {}).catch(() => {});
      throw error;
    }
    const mode = textIn(created, 'mode');
    const fields = { sessionId, sessionRevision, mode, specVersion, schemaVersion };
    if (isSet(invocation.args, 'shell')) return { text: await shellLines(invocation, sessionId), fields };
    invocation.note(`a ${mode} session is open; tests send its id in the header x-softprobe-session-id`);
    return { text: sessionId, fields };
  },
};

async function readRequest({ args, json }: Invocation) {
  const { readChoice, readDuration, readWord } = await import('../flag-value.ts');
  const { readInput } = await import('../input-document.ts');
  const mode = flagValue(args, 'mode');
  if (mode === undefined) throw new UsageError(`--mode: say which: ${modes.join(', ')}`);
  if (json && isSet(args, 'shell')) {
    throw new UsageError('--shell: prints lines for a shell, and --json a document; leave one out');
  }
  const [caseId, ttl, policyPath, casePath] = ['case-id', 'ttl', 'policy', 'case'].map((flag) =>
    flagValue(args, flag),
  );
  const body = {
    mode: readChoice('--mode', mode, modes),
    ...(caseId !== undefined && { caseId: readWord('--case-id', caseId) }),
    ...(ttl !== undefined && { ttlSeconds: readDuration('--ttl', ttl) / 1000 }),
  };
  if (policyPath === '-' && casePath === '-') throw new UsageError('--case: stdin is the policy already');
  // Read before anything is opened. They are sent one by one, so that a mistake can be told with its file and line.
  const policy = policyPath === undefined ? undefined : await readInput(policyPath);
  const caseFile = casePath === undefined ? undefined : await readInput(casePath);
  return { body, policy, caseFile };
}

async function shellLines({ args, runtimeUrl }: Invocation, sessionId: string): Promise<string> {
  const { shellWord } = await import('../shell-word.ts');
  const lines = [`export SOFTPROBE_SESSION_ID=${shellWord(sessionId)}`];
  // The next command is to talk to the same runtime.
  if (args['runtime-url'] !== undefined) lines.push(`export SOFTPROBE_RUNTIME_URL=${shellWord(runtimeUrl)}`);
  return lines.join('\n');
}
