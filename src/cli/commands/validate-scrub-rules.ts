import type { Command } from '../command.ts';

export const validateScrubRules: Command = {
  words: ['validate', 'scrub-rules'],
  summary: 'Check rules for scrubbing: schema, JSONPaths, patterns',
  positionals: [
    { name: 'files', describe: 'Files for `scrub --rules` (JSON or YAML; - is stdin)', isList: true },
  ],
  examples: [['validate scrub-rules scrub.yaml', 'What `scrub --rules` takes']],
  async run(invocation) {
    const { validateFiles } = await import('../case/validate-documents.ts');
    const { checkScrubRules } = await import('../case/document-checks.ts');
    return validateFiles(invocation, 'scrub-rules', checkScrubRules);
  },
};
