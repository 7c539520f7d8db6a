import type { Command } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { readChoice } from '../flag-value.ts';
import { flagValue, flagValues } from '../flags.ts';
import { demandFlag } from '../session/flag.ts';

export const exportOtlp: Command = {
  words: ['export', 'otlp'],
  summary: 'Send the traces of a case to an OpenTelemetry collector',
  flags: {
    case: { type: 'string', requiresArg: true, describe: 'A *.case.json file' },
    endpoint: {
      type: 'string',
      requiresArg: true,
      describe: 'URL of an OTLP/HTTP receiver; /v1/traces is added where it has no path',
    },
    header: {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'A header to send along, as in "authorization: Bearer x"; may come again',
    },
    protocol: {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'http/protobuf',
      describe: 'http/protobuf or http/json',
    },
  },
  examples: [
    [
      'export otlp --case checkout.case.json --endpoint http://127.0.0.1:4318',
      'To a collector on this machine',
    ],
    [
      'export otlp --case checkout.case.json --endpoint https://otlp.example/v1/traces --header "api-key: $KEY"',
      'To a service',
    ],
  ],
  async run(invocation) {
    const { args } = invocation;
    const file = demandFlag(invocation, 'case');
    const { readEndpoint, readHeaders } = await import('../case/otlp-flags.ts');
    const { OtlpExporter } = await import('../case/otlp-exporter.ts');
    const { readCase } = await import('../case/read-case.ts');
    const { progressLine } = await import('../progress.ts');
    const protocols = ['http/protobuf', 'http/json'] as const;
    const exporter = new OtlpExporter({
      url: readEndpoint(demandFlag(invocation, 'endpoint')),
      headers: readHeaders(flagValues(args, 'header')),
      protocol: readChoice('--protocol', flagValue(args, 'protocol') ?? 'http/protobuf', protocols),
    });
    using progress = progressLine(invocation);
    const { traces } = await readCase(file, progress);
    const { sent, failed, reason } = await exporter.send(traces, (done) => progress.show(`${done} spans`));
    const isFailed = failed > 0;
    return {
      text: `${sent} spans sent${isFailed ? `, ${failed} failed` : ''}`,
      fields: { sent, failed },
      ...(isFailed && {
        exitCode: ExitCode.failure,
        error: { code: 'export_failed', message: `${failed} spans were not taken: ${reason}` },
      }),
    };
  },
};
