import type { Command } from '../command.ts';
import { fileFlag, sessionFlag } from '../session/flag.ts';

export const sessionLoadCase: Command = {
  words: ['session', 'load-case'],
  summary: 'Load a case into a session: its rules come with it',
  flags: { ...sessionFlag, ...fileFlag('Case file') },
  examples: [['session load-case --file checkout.case.json', 'The session is that of SOFTPROBE_SESSION_ID']],
  async run(invocation) {
    const { applyDocument, counted } = await import('../session/change.ts');
    const { numberIn, textIn } = await import('../control-api.ts');
    return applyDocument(
      invocation,
      'load-case',
      (changed) => `case ${textIn(changed, 'caseId')}, ${counted(numberIn(changed, 'traceCount'), 'hop')}`,
    );
  },
};
