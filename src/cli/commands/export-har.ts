import type { Command } from '../command.ts';
import { demandFlag } from '../session/flag.ts';

export const exportHar: Command = {
  words: ['export', 'har'],
  summary: 'Write a case as an HTTP Archive (HAR 1.2), which browsers and many tools open',
  flags: {
    case: { type: 'string', requiresArg: true, describe: 'A *.case.json file' },
    out: { type: 'string', requiresArg: true, describe: 'The archive to write' },
  },
  examples: [
    ['export har --case checkout.case.json --out checkout.har', '`import har` makes the same case of it'],
  ],
  async run(invocation) {
    const file = demandFlag(invocation, 'case');
    const out = demandFlag(invocation, 'out');
    const { AtomicFile } = await import('../atomic-file.ts');
    const { harText } = await import('../case/har-text.ts');
    const { readCase } = await import('../case/read-case.ts');
    const { harFromCase } = await import('../../cases/har/har-export.ts');
    const { packageVersion } = await import('../version.ts');
    const { progressLine } = await import('../progress.ts');
    using progress = progressLine(invocation);
    const document = await readCase(file, progress);
    await using archive = await AtomicFile.create('--out', out);
    const total = document.traces.length;
    progress.begin(`converting ${total} hops`);
    const har = harFromCase(document, packageVersion(), (done) =>
      progress.show(`converting: ${done} of ${total} hops`),
    );
    progress.begin(`writing ${total} hops to ${out}`);
    await archive.write(harText(har));
    const entryCount = har.log.entries.length;
    return {
      text: `${archive.path}: ${entryCount === 1 ? '1 entry' : `${entryCount} entries`}`,
      fields: { path: archive.path, entryCount },
    };
  },
};
