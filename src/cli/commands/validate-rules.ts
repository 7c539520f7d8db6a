import type { Command } from '../command.ts';

export const validateRules: Command = {
  words: ['validate', 'rules'],
  summary: 'Check rules: schema, expressions, answers',
  positionals: [{ name: 'files', describe: 'Files of rules (JSON or YAML; - is stdin)', isList: true }],
  examples: [['validate rules rules.yaml', 'With the line of each mistake']],
  async run(invocation) {
    const { validateFiles } = await import('../case/validate-documents.ts');
    const { checkRules } = await import('../case/document-checks.ts');
    return validateFiles(invocation, 'rules', checkRules);
  },
};
