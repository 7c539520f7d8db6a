import type { Command } from '../command.ts';
import { fileFlag, sessionFlag } from '../session/flag.ts';

export const sessionRulesApply: Command = {
  words: ['session', 'rules', 'apply'],
  summary: 'Replace the rules of a session',
  flags: { ...sessionFlag, ...fileFlag('Rules') },
  examples: [
    ['session rules apply --file rules.yaml', 'Rules as in { version: 1, rules: [ … ] }'],
    ['session rules apply --session "$ID" --file -', 'Read from stdin'],
  ],
  async run(invocation) {
    const { applyDocument, counted } = await import('../session/change.ts');
    const { numberIn } = await import('../control-api.ts');
    return applyDocument(invocation, 'rules', (changed) => counted(numberIn(changed, 'ruleCount'), 'rule'));
  },
};
