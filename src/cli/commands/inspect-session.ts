import type { Command } from '../command.ts';
import { readSessionId, sessionFlag } from '../session/flag.ts';

export const inspectSession: Command = {
  words: ['inspect', 'session'],
  summary: 'Show the hops that a session has recorded so far',
  flags: {
    ...sessionFlag,
    hop: { type: 'string', requiresArg: true, describe: 'Show this hop in full, by its number in the table' },
  },
  examples: [
    ['inspect session', 'A table of the hops; the session is that of SOFTPROBE_SESSION_ID'],
    ['inspect session --session "$ID" --hop 2', 'The second hop with headers and bodies'],
  ],
  async run(invocation) {
    const sessionId = readSessionId(invocation);
    const { fetchCapture } = await import('../session/fetch-capture.ts');
    const { inspectHops } = await import('../case/inspect-hops.ts');
    const result = inspectHops(await fetchCapture(invocation, sessionId), invocation.args);
    return { ...result, fields: { sessionId, ...result.fields } };
  },
};
