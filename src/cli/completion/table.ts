import type { Command } from '../command.ts';
import { flagsOf } from '../command-arguments.ts';
import { globalFlags } from '../global-flags.ts';

/** What can follow some words of a command line. */
export interface CompletionPlace {
  /** The words so far: none for the program, `session` for a group, `session stats` for a command. */
  readonly words: string;
  readonly next: readonly Completion[];
  readonly flags: readonly CompletedFlag[];
}

export interface Completion {
  readonly name: string;
  readonly describe: string;
}

export interface CompletedFlag extends Completion {
  readonly takesValue: boolean;
}

/**
 * Everything that a shell can complete, taken from the commands themselves. All names consist of letters, digits and
 * dashes, so that scripts need not quote them; descriptions may hold anything.
 *
 * @param groups what the first words are about
 */
export function completionTable(
  commands: readonly Command[],
  groups: Readonly<Record<string, string>>,
): CompletionPlace[] {
  const places = new Map<string, Map<string, string>>([['', new Map()]]);
  for (const { words, summary } of commands) {
    for (const [depth, word] of words.entries()) {
      const before = words.slice(0, depth).join(' ');
      const next = places.get(before) ?? new Map<string, string>();
      places.set(before, next);
      const isLast = depth === words.length - 1;
      if (isLast || !next.has(word)) next.set(word, isLast ? summary : (groups[word] ?? `${word} …`));
    }
  }
  for (const { words } of commands) places.set(words.join(' '), new Map());
  return [...places].map(([words, next]) => {
    const command = commands.find((candidate) => candidate.words.join(' ') === words);
    return {
      words,
      next: [...next].map(([name, describe]) => ({ name, describe })),
      flags: Object.entries(command === undefined ? globalFlags : flagsOf(command)).map(([name, flag]) => ({
        name,
        describe: flag.describe ?? '',
        takesValue: flag.type !== 'boolean',
      })),
    };
  });
}

/** The arms of a `case` in bash and zsh, one for each place. */
export function caseArms(
  places: readonly CompletionPlace[],
  arm: (place: CompletionPlace) => string,
  margin = '    ',
): string {
  return places.map((place) => `${margin}'${place.words}') ${arm(place)} ;;`).join('\n');
}
