import type { Command } from '../command.ts';
import { captureRunFlags } from '../session/capture-flags.ts';

export const captureRun: Command = {
  words: ['capture', 'run'],
  summary: 'Record what a command makes a service do: session, command, close, case file',
  flags: captureRunFlags,
  examples: [
    ['capture run --driver "npm run smoke" --out checkout.case.json', 'Against a proxy that runs'],
    [
      'capture run --driver \'curl -H "x-softprobe-session-id: $SOFTPROBE_SESSION_ID" "$SOFTPROBE_INGRESS_URL/cart"\' --out cart.case.json',
      'What the driver has to send along, and where to',
    ],
    [
      'capture run --driver ./smoke.sh --out smoke.case.json --redact-file hide.yaml --timeout 5m',
      'With a limit',
    ],
  ],
  async run(invocation) {
    const { captureDriver } = await import('../session/capture-run.ts');
    return captureDriver(invocation);
  },
};
