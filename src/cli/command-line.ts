import type { CommandIndex } from './commands/index.ts';
import { globalFlags } from './global-flags.ts';

/** A command line, taken apart as far as that goes without knowing the flags of its command. */
export interface CommandLine {
  /** The words that lead to a command or to a group of commands; none for the program itself. */
  readonly words: readonly string[];
  /** All arguments but these words. */
  readonly others: readonly string[];
  /** The first word after them, which is the command's or a mistake. */
  readonly nextWord?: string;
  /** What stands before `--` asks for these. */
  readonly asks: { readonly help: boolean; readonly version: boolean; readonly json: boolean };
}

/**
 * Finds the command in a command line. Its words come first; flags that every command has may stand before and
 * between them.
 *
 * @param rawArguments without the names of node and of the script
 */
export function readCommandLine(rawArguments: readonly string[], index: CommandIndex): CommandLine {
  // What other programs understand: `help session start`.
  const [first, ...more] = rawArguments;
  if (first === 'help') return readCommandLine([...more, '--help'], index);
  const names = Object.keys(index);
  const leadsOn = (words: readonly string[]) =>
    names.some((name) => `${name} `.startsWith(`${words.join(' ')} `));
  const words: string[] = [];
  const others: string[] = [];
  let nextWord: string | undefined;
  let at = 0;
  for (; at < rawArguments.length; at++) {
    const argument = rawArguments[at] ?? '';
    if (!argument.startsWith('-')) {
      if (!leadsOn([...words, argument])) {
        nextWord = argument;
        break;
      }
      words.push(argument);
      continue;
    }
    const flag = globalFlagOf(argument);
    if (flag === undefined) break;
    others.push(argument);
    if (flag === 'runtime-url' && !argument.includes('=') && at + 1 < rawArguments.length) {
      at++;
      others.push(rawArguments[at] ?? '');
    }
  }
  others.push(...rawArguments.slice(at));

  const end = rawArguments.indexOf('--');
  const ours = end === -1 ? rawArguments : rawArguments.slice(0, end);
  const has = (...flags: string[]) => flags.some((flag) => ours.includes(flag));
  const asks = { help: has('--help', '-h'), version: has('--version'), json: has('--json') };
  return { words, others, asks, ...(nextWord !== undefined && { nextWord }) };
}

function globalFlagOf(argument: string): string | undefined {
  if (argument === '-h') return 'help';
  const [, name = ''] = /^--([^=]+)/.exec(argument) ?? [];
  return Object.hasOwn(globalFlags, name) ? name : undefined;
}
