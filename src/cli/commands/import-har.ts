import { importFlags } from '../case/import-flags.ts';
import type { Command } from '../command.ts';
import { readChoice } from '../flag-value.ts';
import { flagValue } from '../flags.ts';
import { demandFlag } from '../session/flag.ts';

export const importHar: Command = {
  words: ['import', 'har'],
  summary: 'Make a case of an HTTP Archive (HAR), such as browsers save',
  positionals: [{ name: 'file', describe: 'A *.har file' }],
  flags: {
    ...importFlags,
    direction: {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'outbound',
      describe: 'Which way the requests went, seen from the service: inbound or outbound',
    },
  },
  examples: [
    ['import har browser.har --out browser.case.json', 'Its requests become outbound hops'],
    ['import har browser.har --out replay.case.json --direction inbound', 'As requests to the service'],
  ],
  async run(invocation) {
    const { args, note } = invocation;
    const file = flagValue(args, 'file') ?? '';
    const out = demandFlag(invocation, 'out');
    const direction = readChoice('--direction', flagValue(args, 'direction') ?? 'outbound', [
      'inbound',
      'outbound',
    ]);
    const { readCaseId, readRedactor } = await import('../case/import-flags.ts');
    const { readHar } = await import('../case/read-har.ts');
    const { writeCase } = await import('../out-file.ts');
    const { beginReading, withProgress } = await import('../progress.ts');
    const { visible } = await import('../table.ts');
    const options = { caseId: readCaseId(args, file), redactor: readRedactor(args), direction };
    const { document, skipped, path } = await withProgress(invocation, async (progress) => {
      await beginReading(progress, file);
      const imported = await readHar(file, options);
      progress.begin(`writing ${imported.document.traces.length} hops to ${out}`);
      return { ...imported, path: await writeCase(out, imported.document) };
    });
    for (const { index, reason } of skipped) note(`entry ${index + 1} is left out: ${reason}`);
    const traceCount = document.traces.length;
    return {
      text: visible(`${path}: case ${document.caseId}, ${traceCount === 1 ? '1 hop' : `${traceCount} hops`}`),
      fields: { path, caseId: document.caseId, traceCount, skipped },
    };
  },
};
