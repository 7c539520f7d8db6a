import type { Command } from '../command.ts';
import { flagValue } from '../flags.ts';
import { readSessionId, sessionFlag } from '../session/flag.ts';

export const sessionClose: Command = {
  words: ['session', 'close'],
  summary: 'Close a session; what it recorded is written to a case file',
  flags: {
    ...sessionFlag,
    out: { type: 'string', requiresArg: true, describe: 'Write the case to this file here, too' },
  },
  examples: [
    ['session close', 'The runtime writes the case into its capture folder'],
    [
      'session close --session "$ID" --out checkout.case.json',
      'And it is brought here, wherever the runtime is',
    ],
  ],
  async run(invocation) {
    const sessionId = readSessionId(invocation);
    const { AtomicFile } = await import('../atomic-file.ts');
    const { closeSession } = await import('../session/close.ts');
    const { ControlApi } = await import('../control-api.ts');
    const { statsText } = await import('../session/stats-text.ts');
    const out = flagValue(invocation.args, 'out');
    await using file = out === undefined ? undefined : await AtomicFile.create('--out', out);
    const closed = await closeSession(ControlApi.of(invocation), sessionId, file);
    const { stats, capturePath, warnings, failure } = closed;
    for (const warning of warnings) invocation.note(`warning: ${warning}`);
    const written = capturePath === null ? '' : `\ncase ${capturePath}`;
    return {
      text: `session ${sessionId} is closed\n${statsText(stats)}${written}`,
      fields: { sessionId, closed: true, stats, capturePath, warnings },
      ...(failure && { exitCode: failure.exitCode, error: { code: failure.code, message: failure.message } }),
    };
  },
};
