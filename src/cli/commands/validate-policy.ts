import type { Command } from '../command.ts';

export const validatePolicy: Command = {
  words: ['validate', 'policy'],
  summary: 'Check policies: schema, hosts, answers',
  positionals: [{ name: 'files', describe: 'Files with a policy (JSON or YAML; - is stdin)', isList: true }],
  examples: [['validate policy policy.yaml --json', 'For a program']],
  async run(invocation) {
    const { validateFiles } = await import('../case/validate-documents.ts');
    const { checkPolicy } = await import('../case/document-checks.ts');
    return validateFiles(invocation, 'policy', checkPolicy);
  },
};
