import type { Command } from '../command.ts';

export const validateFixtures: Command = {
  words: ['validate', 'fixtures'],
  summary: 'Check auth fixtures',
  positionals: [{ name: 'files', describe: 'Files with fixtures (JSON or YAML; - is stdin)', isList: true }],
  examples: [['validate fixtures auth.yaml', 'What `session fixtures set` takes']],
  async run(invocation) {
    const { validateFiles } = await import('../case/validate-documents.ts');
    const { checkFixtures } = await import('../case/document-checks.ts');
    return validateFiles(invocation, 'fixtures', checkFixtures);
  },
};
