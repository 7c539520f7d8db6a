import type { Command } from '../command.ts';
import { UsageError } from '../failure.ts';
import { flagValue, isSet } from '../flags.ts';
import { fileFlag, readSessionId, sessionFlag } from '../session/flag.ts';

export const sessionPolicySet: Command = {
  words: ['session', 'policy', 'set'],
  summary: 'Replace the policy of a session: what happens to calls that no rule decides',
  flags: {
    ...sessionFlag,
    ...fileFlag('Policy'),
    strict: { type: 'boolean', describe: 'Refuse calls to hosts that are not internal' },
    offline: { type: 'boolean', describe: 'Let no call out at all, whatever rules and lists say' },
  },
  examples: [
    ['session policy set --offline', 'Nothing leaves'],
    ['session policy set --strict --file policy.yaml', 'The policy of the file, made strict'],
  ],
  async run(invocation) {
    const { args } = invocation;
    const sessionId = readSessionId(invocation);
    const flags = {
      ...(isSet(args, 'strict') && { externalHttp: 'strict' }),
      ...(isSet(args, 'offline') && { offline: true }),
    };
    const file = flagValue(args, 'file');
    if (file === undefined && Object.keys(flags).length === 0) {
      throw new UsageError('which policy? say --strict, --offline or --file F');
    }
    const { readInput } = await import('../input-document.ts');
    const { ControlApi, sessionPath } = await import('../control-api.ts');
    const { changeResult, sendDocument } = await import('../session/change.ts');
    const api = ControlApi.of(invocation);
    const document = file === undefined ? undefined : await readInput(file);
    const changed =
      document === undefined
        ? await api.post(sessionPath(sessionId, 'policy'), flags)
        : await sendDocument(api, sessionId, 'policy', { ...document, json: withFlags(document, flags) });
    return changeResult(invocation, changed, 'policy set');
  },
};

/** The policy of a file, with what the flags say in its place. What is no object is the runtime's to refuse. */
function withFlags(document: { readonly value: unknown; readonly json: string }, flags: object): string {
  const { value, json } = document;
  if (
    Object.keys(flags).length === 0 ||
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value)
  ) {
    return json;
  }
  return JSON.stringify({ ...value, ...flags });
}
