import type { Arguments, Flags } from './flags.ts';

/**
 * One command of the program. Each has a file in `commands/`, which imports what it needs only when it runs, so
 * that `--help` and small commands start fast.
 */
export interface Command {
  /** What is typed for it: `['session', 'close']`. */
  readonly words: readonly string[];
  /** One line for the list of commands. */
  readonly summary: string;
  readonly positionals?: readonly Positional[];
  /** Its own flags; those that every command has are in `global-flags.ts`. */
  readonly flags?: Flags;
  /** Command lines without the program's name, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** True where words after `--` are expected: another command to run. */
  readonly takesRest?: boolean;
  /**
   * Does the work.
   *
   * @returns what to tell; or an exit code, where the command has told everything itself because it runs for long
   * @throws {CliFailure} with one message for the user
   */
  run(invocation: Invocation): Promise<Result | number>;
}

/** An argument that has a place and no name. */
export interface Positional {
  readonly name: string;
  readonly describe: string;
  /** One or more of it. */
  readonly isList?: boolean;
}

/** One command line, read. */
export interface Invocation {
  readonly args: Arguments;
  /** Words after `--`. */
  readonly rest: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** `--json`: one JSON document on stdout and nothing else there. */
  readonly json: boolean;
  /** `--verbose`: more on stderr. */
  readonly verbose: boolean;
  /** Where the control API is: `--runtime-url`, else SOFTPROBE_RUNTIME_URL, else http://127.0.0.1:8080. */
  readonly runtimeUrl: string;
  /** A line for people on stderr; nothing with `--quiet`. */
  note(line: string): void;
}

/** What a command has to tell: the same thing for people and for programs. */
export interface Result {
  /** For stdout without `--json`; a newline is added, nothing is printed for an empty one. */
  readonly text: string;
  /** For `--json`: the fields beside `status`, `exitCode` and `error`. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** {@link ExitCode.ok} where it is left out. `status` follows: 0 `ok`, 20 `drift`, all else `fail`. */
  readonly exitCode?: number;
  /** Where the exit code is not 0. */
  readonly error?: { readonly code: string; readonly message: string };
}
