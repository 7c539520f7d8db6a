import { importFlags } from '../case/import-flags.ts';
import type { Command } from '../command.ts';
import { flagValue } from '../flags.ts';
import { demandFlag } from '../session/flag.ts';

export const importOtlp: Command = {
  words: ['import', 'otlp'],
  summary: 'Make a case of the HTTP spans in OpenTelemetry traces (OTLP/JSON, one document or one a line)',
  positionals: [
    { name: 'file', describe: "OTLP/JSON, such as a collector's file exporter writes; - is stdin" },
  ],
  flags: importFlags,
  examples: [['import otlp traces.jsonl --out traces.case.json', 'Spans that are none of HTTP are left out']],
  async run(invocation) {
    const { args } = invocation;
    const file = flagValue(args, 'file') ?? '';
    const out = demandFlag(invocation, 'out');
    const { readCaseId, readRedactor } = await import('../case/import-flags.ts');
    const { readOtlp } = await import('../case/read-otlp.ts');
    const { writeCase } = await import('../out-file.ts');
    const { progressLine } = await import('../progress.ts');
    const { visible } = await import('../table.ts');
    using progress = progressLine(invocation);
    const { traces, passedOver } = await readOtlp(file, readRedactor(args), progress);
    const caseId = readCaseId(args, file);
    progress.begin(`writing ${traces.length} hops to ${out}`);
    const path = await writeCase(out, { version: '1.0.0', caseId, traces });
    const others = passedOver === 0 ? '' : `, ${passedOver} other spans left out`;
    return {
      text: visible(
        `${path}: case ${caseId}, ${traces.length === 1 ? '1 hop' : `${traces.length} hops`}${others}`,
      ),
      fields: { path, caseId, traceCount: traces.length, passedOver },
    };
  },
};
