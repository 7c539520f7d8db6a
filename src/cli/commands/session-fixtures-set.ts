import type { Command } from '../command.ts';
import { fileFlag, sessionFlag } from '../session/flag.ts';

export const sessionFixturesSet: Command = {
  words: ['session', 'fixtures', 'set'],
  summary: 'Replace the credentials that a session keeps for its tests',
  flags: { ...sessionFlag, ...fileFlag('Tokens, cookies and metadata') },
  examples: [['session fixtures set --file auth.yaml', 'As in { tokens: { admin: … }, cookies: { … } }']],
  async run(invocation) {
    const { applyDocument } = await import('../session/change.ts');
    return applyDocument(invocation, 'fixtures/auth', () => 'fixtures set');
  },
};
