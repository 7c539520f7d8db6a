import type { Command, Invocation } from '../command.ts';
import { UsageError } from '../failure.ts';
import { flagValue, flagValues } from '../flags.ts';
import { readSessionId, sessionFlag } from '../session/flag.ts';

const directions = ['outbound', 'inbound'] as const;

export const sessionExplain: Command = {
  words: ['session', 'explain'],
  summary: 'Tell what would become of a call, and why; asking changes nothing',
  positionals: [
    { name: 'method', describe: 'GET, POST, …' },
    { name: 'url', describe: 'Absolute URL of the call' },
  ],
  flags: {
    ...sessionFlag,
    direction: {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'outbound',
      describe: `${directions.join(' or ')}: a call of the service, or one to it`,
    },
    header: {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: 'Headers of the call: "name: value" …',
    },
    body: { type: 'string', requiresArg: true, describe: 'Body of the call' },
  },
  examples: [
    ['session explain GET http://127.0.0.1:8083/greeting', 'Which rule answers, or why none does'],
    [
      'session explain POST https://pay.example/charges --header "content-type: application/json" --body \'{"amount":1}\'',
      'With all that rules may look at',
    ],
  ],
  async run(invocation) {
    const sessionId = readSessionId(invocation);
    const call = await readCall(invocation);
    const { ControlApi, objectIn, objectsIn, sessionPath } = await import('../control-api.ts');
    const { visible } = await import('../table.ts');
    const answer = await ControlApi.of(invocation).post(sessionPath(sessionId, 'explain'), call);
    const lines = [String(objectIn(answer, 'decision')?.reason ?? '')];
    for (const { rule, layer, won, spent, predicates } of objectsIn(answer, 'rules')) {
      const marks = [
        layer,
        ...(won === true ? ['decides'] : []),
        ...(spent === true ? ['served already'] : []),
      ];
      lines.push(`  ${rule} (${marks.join(', ')})`);
      for (const { held, pointer, expected, actual, hint } of objectsIn({ predicates }, 'predicates')) {
        const got = actual === undefined ? 'nothing' : JSON.stringify(actual);
        const more = typeof hint === 'string' ? ` (${hint})` : '';
        lines.push(
          `    ${held === true ? '+' : '-'} ${pointer}: expected ${JSON.stringify(expected)}, got ${got}${more}`,
        );
      }
    }
    return { text: lines.map(visible).join('\n'), fields: answer };
  },
};

async function readCall({ args }: Invocation) {
  const { readChoice } = await import('../flag-value.ts');
  const headers = new Map<string, string[]>();
  for (const field of flagValues(args, 'header')) {
    const [, name = '', value = ''] = /^([^:\s]+):\s*(.*)$/s.exec(field) ?? [];
    if (name === '') throw new UsageError(`--header: expected "name: value", got ${JSON.stringify(field)}`);
    headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  const body = flagValue(args, 'body');
  return {
    direction: readChoice('--direction', flagValue(args, 'direction') ?? 'outbound', directions),
    method: flagValue(args, 'method') ?? '',
    url: flagValue(args, 'url') ?? '',
    ...(headers.size > 0 && { headers: Object.fromEntries(headers) }),
    ...(body !== undefined && { body }),
  };
}
