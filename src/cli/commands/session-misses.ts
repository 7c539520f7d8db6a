import type { Command } from '../command.ts';
import { readSessionId, sessionFlag } from '../session/flag.ts';

export const sessionMisses: Command = {
  words: ['session', 'misses'],
  summary: 'Show the calls that the policy refused, each with the rules that came nearest',
  flags: sessionFlag,
  examples: [
    ['session misses', 'What was refused, newest first, and what kept rules from answering'],
    ['session misses --json', 'The same, each with a rule that would answer it'],
  ],
  async run(invocation) {
    const sessionId = readSessionId(invocation);
    const { ControlApi, numberIn, objectIn, objectsIn, sessionPath } = await import('../control-api.ts');
    const { visible } = await import('../table.ts');
    const { failedText } = await import('../session/near-miss-text.ts');
    const answer = await ControlApi.of(invocation).get(sessionPath(sessionId, 'misses'));
    const total = numberIn(answer, 'total');
    const misses = objectsIn(answer, 'misses');
    const lines = misses.flatMap((miss) => {
      const request = objectIn(miss, 'request');
      const near = objectsIn(miss, 'nearMisses').flatMap((rule) => [
        `  ${rule.rule}`,
        ...failedText(rule, '    '),
      ]);
      return [`${request?.method} ${request?.url} (${miss.time})`, ...near];
    });
    if (misses.length < total) lines.push(`and ${total - misses.length} before these`);
    return {
      text: lines.length === 0 ? 'no call was refused' : lines.map(visible).join('\n'),
      fields: answer,
    };
  },
};
