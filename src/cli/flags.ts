import type { Options } from 'yargs';
import { nearestWord } from '../cases/nearest-word.ts';
import { UsageError } from './failure.ts';

/** Flags of a command: what yargs shows in the help and how it splits the command line. */
export type Flags = Readonly<Record<string, Options>>;

/** A command line as yargs split it. */
export type Arguments = Readonly<Record<string, unknown>> & { readonly _: readonly (string | number)[] };

/** The value of a flag that may be given once; undefined when it was not given. */
export function flagValue(args: Arguments, flag: string): string | undefined {
  const value = args[flag];
  if (Array.isArray(value)) {
    throw new UsageError(`--${flag}: expected once, got ${value.length} times`);
  }
  return value === undefined ? undefined : String(value);
}

/** All values of a flag that may be given more than once. */
export function flagValues(args: Arguments, flag: string): string[] {
  const value = args[flag];
  return value === undefined ? [] : [value].flat().map(String);
}

/** Whether a flag without a value was given. */
export function isSet(args: Arguments, flag: string): boolean {
  return args[flag] === true;
}

/**
 * Refuses what the command does not know, and names the nearest flag that it does.
 *
 * @throws {UsageError}
 */
export function refuseUnknown(args: Readonly<Record<string, unknown>>, flags: Flags): void {
  const known = Object.keys(flags);
  const aliases = Object.values(flags).flatMap(({ alias = [] }) => alias);
  for (const name of Object.keys(args)) {
    if (name === '$0' || known.includes(name) || aliases.includes(name)) continue;
    const written = name.length === 1 ? `-${name}` : `--${name}`;
    throw new UsageError(`unknown flag ${written}${suggestion(name, known, '--')}`);
  }
}

/** ` (did you mean --json?)` where a known word is near, else nothing. */
export function suggestion(word: string, known: readonly string[], prefix = ''): string {
  const near = nearestWord(word, known);
  return near === undefined ? '' : ` (did you mean ${prefix}${near}?)`;
}

/**
 * Refuses `--json=yes`: yargs would read every value of a flag that takes none, but `true`, as false.
 *
 * @param rawArguments the command line as it was typed
 * @throws {UsageError}
 */
export function refuseValuesOfSwitches(rawArguments: readonly string[], flags: Flags): void {
  for (const argument of rawArguments) {
    if (argument === '--') return;
    const [, name = '', value] = /^--([^=]+)=(.*)$/s.exec(argument) ?? [];
    if (flags[name]?.type === 'boolean') {
      throw new UsageError(`--${name}: expected no value, got ${JSON.stringify(value)}`);
    }
  }
}
