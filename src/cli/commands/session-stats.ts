import type { Command } from '../command.ts';
import { readSessionId, sessionFlag } from '../session/flag.ts';

export const sessionStats: Command = {
  words: ['session', 'stats'],
  summary: 'Show what a session has counted so far',
  flags: sessionFlag,
  examples: [['session stats', 'The session is that of SOFTPROBE_SESSION_ID']],
  async run(invocation) {
    const sessionId = readSessionId(invocation);
    const { ControlApi, numberIn, objectIn, sessionPath, textIn } = await import('../control-api.ts');
    const { statsText } = await import('../session/stats-text.ts');
    const answer = await ControlApi.of(invocation).get(sessionPath(sessionId, 'stats'));
    const head = `session ${textIn(answer, 'sessionId')} (${textIn(answer, 'mode')}, revision ${numberIn(answer, 'sessionRevision')})`;
    return { text: `${head}\n${statsText(objectIn(answer, 'stats') ?? {})}`, fields: answer };
  },
};
