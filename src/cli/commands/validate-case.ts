import type { Command } from '../command.ts';

export const validateCase: Command = {
  words: ['validate', 'case'],
  summary: 'Check case files: schema, spans, rules, sizes',
  positionals: [{ name: 'files', describe: '*.case.json files', isList: true }],
  examples: [['validate case captures/*.case.json', 'Ends with 5 where one is not valid']],
  async run(invocation) {
    const { validateFiles } = await import('../case/validate-documents.ts');
    const { checkCaseDocument } = await import('../case/document-checks.ts');
    return validateFiles(invocation, 'case', checkCaseDocument);
  },
};
