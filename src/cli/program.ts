import type { Command, Invocation } from './command.ts';
import { type CommandLine, readCommandLine } from './command-line.ts';
import { commands, groups } from './commands/index.ts';
import { ExitCode } from './exit-code.ts';
import { CliFailure, UsageError } from './failure.ts';
import { type Arguments, isSet, suggestion } from './flags.ts';
import { print, printFailure, printResult } from './output.ts';
import { readRuntimeUrl } from './runtime-url.ts';
import { visible } from './table.ts';
import { versionFields, versionLine } from './version.ts';

/** What the program does when no command is named. */
const DEFAULT_COMMAND = 'start';

/**
 * Runs one command line, and prints what comes of it.
 *
 * @param rawArguments without the names of node and of the script
 * @returns the exit code
 */
export async function runProgram(
  rawArguments: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  const line = readCommandLine(rawArguments, commands);
  try {
    if (line.asks.version) {
      return printResult({ text: versionLine(), fields: versionFields() }, line.asks.json);
    }
    const name = nameOf(line);
    if (name !== undefined) return await runCommand(await loadCommand(name), line, environment);
    if (!line.asks.help) throw noCommand(line);
    await print(process.stdout, `${await helpOf(line.words)}\n`);
    return ExitCode.ok;
  } catch (error) {
    const isUsage = error instanceof UsageError;
    const hint = `${['softprobe-proxy', ...line.words].join(' ')} --help tells what can be said`;
    if (error instanceof CliFailure) return printFailure(error, line.asks.json, isUsage ? hint : undefined);
    if (isStackOverflow(error)) return printFailure(nestedTooDeeply(error), line.asks.json);
    console.error(error);
    const told = error instanceof Error ? error.message : String(error);
    const defect = new CliFailure(`a defect of this program: ${told}`, {
      exitCode: ExitCode.internal,
      code: 'internal',
    });
    return printFailure(defect, line.asks.json);
  }
}

/** `JSON.parse` takes any depth, `JSON.stringify` and validators recurse: only a hostile document gets there. */
function isStackOverflow(error: unknown): error is RangeError {
  return error instanceof RangeError && /call stack/.test(error.message);
}

function nestedTooDeeply(cause: RangeError): CliFailure {
  return new CliFailure('a document is nested too deeply', {
    exitCode: ExitCode.invalidDocument,
    code: 'invalid_document',
    cause,
  });
}

/** The name of the command that a line is about, if it is about one. */
function nameOf({ words, nextWord, asks }: CommandLine): string | undefined {
  const name = words.join(' ');
  if (Object.hasOwn(commands, name)) return name;
  return words.length === 0 && nextWord === undefined && !asks.help ? DEFAULT_COMMAND : undefined;
}

/** @throws when a command and its entry in the index disagree */
async function loadCommand(name: string): Promise<Command> {
  const command = await commands[name]?.();
  if (command?.words.join(' ') !== name) throw new Error(`the command ${name} is listed under another name`);
  return command;
}

async function runCommand(
  command: Command,
  line: CommandLine,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  if (line.asks.help) {
    const { commandHelp } = await import('./usage.ts');
    await print(process.stdout, `${await commandHelp(command)}\n`);
    return ExitCode.ok;
  }
  const { parseArguments } = await import('./command-arguments.ts');
  const { args, rest } = parseArguments(command, line.others);
  const invocation = invocationOf(args, rest, environment);
  const result = await command.run(invocation);
  return typeof result === 'number' ? result : printResult(result, invocation.json);
}

function invocationOf(args: Arguments, rest: readonly string[], environment: NodeJS.ProcessEnv): Invocation {
  return {
    args,
    rest,
    environment,
    json: isSet(args, 'json'),
    verbose: isSet(args, 'verbose'),
    // Read when it is asked for: a wrong SOFTPROBE_RUNTIME_URL is nothing to commands that talk to no runtime.
    get runtimeUrl() {
      return readRuntimeUrl(args, environment);
    },
    note(text) {
      if (!isSet(args, 'quiet')) process.stderr.write(`${visible(text)}\n`);
    },
  };
}

/** Why a line leads to no command. */
function noCommand({ words, nextWord }: CommandLine): UsageError {
  const prefix = words.length === 0 ? '' : `${words.join(' ')}: `;
  const next = [...new Set(namesUnder(words).map((name) => name.split(' ')[words.length] ?? ''))];
  if (nextWord === undefined) return new UsageError(`${prefix}say which: ${next.join(', ')}`);
  // Somebody may remember the last word only: `stats` for `session stats`.
  const whole = namesUnder(words).filter((name) => name.endsWith(` ${nextWord}`));
  const near = whole.length > 0 ? ` (did you mean ${whole.join(' or ')}?)` : suggestion(nextWord, next);
  return new UsageError(`${prefix}unknown command ${JSON.stringify(nextWord)}${near}`);
}

function namesUnder(words: readonly string[]): string[] {
  const prefix = words.map((word) => `${word} `).join('');
  return Object.keys(commands).filter((name) => name.startsWith(prefix));
}

async function helpOf(words: readonly string[]): Promise<string> {
  const { groupHelp } = await import('./usage.ts');
  if (words.length > 0) {
    const listed = await Promise.all(namesUnder(words).map(loadCommand));
    return groupHelp(words, groups[words.join(' ')] ?? '', listed);
  }
  const listed: { words: string[]; summary: string }[] = [];
  for (const name of Object.keys(commands)) {
    const [first = '', ...more] = name.split(' ');
    if (more.length === 0) listed.push({ words: [first], summary: (await loadCommand(name)).summary });
    else if (!listed.some(({ words: [other] }) => other === first)) {
      listed.push({ words: [first], summary: groups[first] ?? '' });
    }
  }
  return groupHelp([], 'Records what a service says to the world, and plays it back.', listed);
}
