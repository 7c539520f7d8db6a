import type { Command } from '../command.ts';
import { replayRunFlags } from '../replay/flags.ts';

export const replayRun: Command = {
  words: ['replay', 'run'],
  summary: 'Send recorded requests to a service again, and compare its answers with the recorded ones',
  flags: replayRunFlags,
  examples: [
    [
      'replay run --case checkout.case.json',
      'Through a proxy that runs; ends with 20 where an answer differs',
    ],
    [
      'replay run --case checkout.case.json --app-url http://127.0.0.1:3000',
      'With a proxy of its own before a service that was started with HTTP_PROXY=http://127.0.0.1:8084',
    ],
    [
      "replay run --case *.case.json --ignore '$..createdAt' --ignore-header etag --junit results.xml --report report.html",
      'Several, without what is new each time, and with results for a CI server',
    ],
    [
      'replay run --case account.case.json --header "authorization: Bearer $TOKEN"',
      'With a credential, which recordings hide',
    ],
  ],
  async run(invocation) {
    const { replayRun } = await import('../replay/run.ts');
    return replayRun(invocation);
  },
};
