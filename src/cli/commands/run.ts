import type { Command } from '../command.ts';
import { runFlags } from '../run/flags.ts';

export const run: Command = {
  words: ['run'],
  summary: 'Run a command with all of its HTTP and HTTPS calls through a proxy of its own',
  flags: runFlags,
  takesRest: true,
  examples: [
    ['run --capture checkout.case.json -- npm test', 'Record what the tests call'],
    ['run --replay checkout.case.json -- npm test', 'The same without the world: what was recorded answers'],
    [
      'run --capture shop.case.json --driver "npm run smoke" --wait-for 3000 -- node server.js',
      'Start a service, drive it, record its calls in and out, stop it',
    ],
    ['run -- python3 report.py', 'Only let it call through the proxy; tests open the sessions'],
  ],
  async run(invocation) {
    const { run } = await import('../run/run.ts');
    return run(invocation);
  },
};
