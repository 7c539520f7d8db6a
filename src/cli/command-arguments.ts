import parse from 'yargs-parser';
import type { Command } from './command.ts';
import { UsageError } from './failure.ts';
import { type Arguments, type Flags, refuseUnknown, refuseValuesOfSwitches } from './flags.ts';
import { globalFlags } from './global-flags.ts';

/** The flags of a command together with those that every command has. */
export function flagsOf(command: Command): Flags {
  return { ...globalFlags, ...command.flags };
}

/**
 * Splits the arguments of a command, without its words, into flags, positional arguments and the rest.
 *
 * @throws {UsageError} for whatever the command does not know, and for a positional argument that is missing
 */
export function parseArguments(
  command: Command,
  rawArguments: readonly string[],
): { args: Arguments; rest: readonly string[] } {
  const flags = flagsOf(command);
  refuseValuesOfSwitches(rawArguments, flags);
  const { _: words, '--': afterDashes, ...args } = split(rawArguments, flags);
  refuseNamedPositionals(command, args, flags);
  refuseUnknown(args, flags);

  const rest = [afterDashes ?? []].flat().map(String);
  // Without a command to run, what follows `--` are arguments that may begin with a dash.
  const values = command.takesRest ? words : [...words, ...rest];
  const placed = placeOf(command, values.map(String));
  return { args: { ...args, ...placed, _: [] }, rest: command.takesRest ? rest : [] };
}

/** yargs' own parser: the rest of yargs, which the help needs, takes twice as long to load as a small command. */
function split(rawArguments: readonly string[], flags: Flags): Arguments {
  const entries = Object.entries(flags);
  const namesOf = (holds: (flag: Flags[string]) => boolean | undefined) =>
    entries.filter(([, flag]) => holds(flag)).map(([name]) => name);
  const { argv, error } = parse.detailed([...rawArguments], {
    boolean: namesOf(({ type }) => type === 'boolean'),
    string: namesOf(({ type }) => type === 'string'),
    array: namesOf(({ array }) => array),
    // NaN: as many as there are, and at least one.
    narg: Object.fromEntries(namesOf(({ requiresArg }) => requiresArg).map((name) => [name, Number.NaN])),
    alias: Object.fromEntries(
      entries.flatMap(([name, { alias }]) => (alias ? [[name, [alias].flat()]] : [])),
    ),
    configuration: {
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'populate--': true,
    },
  });
  if (error === null) return argv;
  const [, flag] = /^Not enough arguments following: (.+)$/.exec(error.message) ?? [];
  throw new UsageError(flag === undefined ? error.message : `--${flag}: expected a value`, { cause: error });
}

/** `--url X` is a natural guess where the URL is an argument without a name. */
function refuseNamedPositionals(
  { words, positionals = [] }: Command,
  args: Readonly<Record<string, unknown>>,
  flags: Flags,
): void {
  for (const written of Object.keys(args)) {
    const found = positionals.find(({ name }) => name === written || name === `${written}s`);
    if (found === undefined || Object.hasOwn(flags, written)) continue;
    const line = [...words, ...positionals.map(({ name, isList }) => `<${name}${isList ? '..' : ''}>`)];
    throw new UsageError(
      `unknown flag --${written}: <${found.name}> is given by its place, as in ${line.join(' ')}`,
    );
  }
}

/** Gives each positional argument its name; the last may be a list. */
function placeOf(
  { positionals = [] }: Command,
  values: readonly string[],
): Record<string, string | string[]> {
  const placed: Record<string, string | string[]> = {};
  let at = 0;
  for (const { name, isList = false } of positionals) {
    const value = values[at];
    if (value === undefined) throw new UsageError(`<${name}>: this argument is missing`);
    placed[name] = isList ? values.slice(at) : value;
    at = isList ? values.length : at + 1;
  }
  const unexpected = values[at];
  if (unexpected !== undefined) throw new UsageError(`unexpected word ${JSON.stringify(unexpected)}`);
  return placed;
}
