import yargs, { type Argv } from 'yargs';
import type { Command } from './command.ts';
import { flagsOf } from './command-arguments.ts';
import { globalFlags } from './global-flags.ts';
import { table } from './table.ts';

const environmentNote =
  'Environment: SOFTPROBE_RUNTIME_URL, SOFTPROBE_API_TOKEN, SOFTPROBE_SESSION_ID, NO_COLOR.';

/** The help of a command. */
export async function commandHelp(command: Command): Promise<string> {
  const { words, summary, positionals = [], examples, takesRest = false } = command;
  const places = positionals.map(({ name, isList }) => (isList ? `<${name}..>` : `<${name}>`));
  const line = ['$0', ...words, ...places, '[flags]', ...(takesRest ? ['--', 'COMMAND…'] : [])].join(' ');
  const described = table(positionals.map(({ name, describe }) => ['', name, describe]));
  const help = await parser()
    .usage([line, summary, ...(described === '' ? [] : [`Arguments:\n${described}`])].join('\n\n'))
    .options(flagsOf(command))
    .getHelp();
  // Not by yargs, which breaks command lines in the middle.
  const shown = examples.map(([example, does]) => `  # ${does}\n  softprobe-proxy ${example}`);
  return [help, `Examples:\n${shown.join('\n')}`, environmentNote].join('\n\n');
}

/** A line in the list of commands. */
export interface ListedCommand {
  readonly words: readonly string[];
  readonly summary: string;
}

/** The help of a group of commands, or of the whole program. */
export function groupHelp(
  words: readonly string[],
  summary: string,
  listed: readonly ListedCommand[],
): Promise<string> {
  const more = ['softprobe-proxy', ...words, '<command> --help'].join(' ');
  const described = parser()
    .usage([['$0', ...words, '<command> [flags]'].join(' '), summary].join('\n\n'))
    .options(globalFlags)
    .epilogue(`${more} tells the rest.\n\n${environmentNote}`);
  for (const { words: its, summary: about } of listed) described.command(its.join(' '), about);
  return described.getHelp();
}

function parser(): Argv {
  return yargs()
    .scriptName('softprobe-proxy')
    .locale('en')
    .help(false)
    .version(false)
    .wrap(process.stdout.isTTY ? Math.min(110, process.stdout.columns) : 110)
    .exitProcess(false);
}
