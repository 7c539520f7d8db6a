import yargs, { type Argv } from 'yargs';
import { ExitCode } from './exit-code.ts';
import { UsageError } from './failure.ts';
import {
  type Arguments,
  type CommandShape,
  refuseUnknown,
  refuseValuesOfSwitches,
  suggestion,
} from './flags.ts';
import { inspectCase, inspectCaseFlags } from './inspect-case.ts';
import { startFlags } from './start-flags.ts';
import { versionLine } from './version.ts';

const startShape: CommandShape = { flags: startFlags, words: ['start'], positionals: [] };
const inspectCaseShape: CommandShape = {
  flags: inspectCaseFlags,
  words: ['inspect', 'case'],
  positionals: ['file'],
};

/**
 * Runs one command line.
 *
 * @param rawArguments without the names of node and of the script
 * @returns the exit code
 * @throws {CliFailure} with one message for the user
 */
export async function runProgram(rawArguments: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.ok;
  /** Checks what yargs lets pass, then runs the command. */
  const run =
    (shape: CommandShape, command: (args: Arguments) => Promise<number>) => async (args: Arguments) => {
      refuseValuesOfSwitches(rawArguments, shape.flags);
      refuseUnknown(args, shape);
      exitCode = await command(args);
    };

  const program = yargs()
    .scriptName('softprobe-proxy')
    .usage('$0 [command] [flags]\n\nRecords what a service says to the world, and plays it back.')
    .command(
      ['start', '$0'],
      'Start the proxy; runs until Ctrl-C or SIGTERM',
      describeStart,
      async (args: Arguments) => {
        refuseOtherWord(args._[0], ['start', 'inspect']);
        // Not imported above: the other commands need no server and start faster without it.
        const { start } = await import('./start.ts');
        await run(startShape, start)(args);
      },
    )
    .command(
      'inspect',
      'Look into what was recorded',
      (inspect) =>
        inspect
          .usage('$0 inspect case <file> [flags]')
          .command(
            'case <file>',
            'Show the hops of a case file',
            describeInspectCase,
            run(inspectCaseShape, inspectCase),
          ),
      (args: Arguments) => {
        refuseOtherWord(args._[1], ['case'], 'inspect: ');
        throw new UsageError('inspect: say what to look into, as in `softprobe-proxy inspect case FILE`');
      },
    )
    .locale('en')
    .version(versionLine())
    .help()
    .alias('help', 'h')
    .wrap(process.stdout.isTTY ? Math.min(110, process.stdout.columns) : 110)
    .epilogue('Environment: APP_URL, SOFTPROBE_API_TOKEN, SOFTPROBE_CAPTURE_CASE_PATH, NO_COLOR.')
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
    })
    .exitProcess(false)
    .fail((message: string | null, error: Error | undefined) => {
      // Commands throw errors; a message alone is what yargs sees by itself, such as a missing value.
      if (message === null && error !== undefined) throw error;
      const isMissing = message?.startsWith('Not enough non-option arguments') ?? false;
      throw new UsageError(isMissing ? 'an argument is missing' : (message ?? ''), { cause: error });
    });
  await program.parseAsync([...rawArguments]);
  return exitCode;
}

/** @throws {UsageError} for a word where a command is expected, if it is none */
function refuseOtherWord(word: string | number | undefined, commands: readonly string[], prefix = ''): void {
  if (word === undefined || commands.includes(String(word))) return;
  throw new UsageError(
    `${prefix}unknown command ${JSON.stringify(word)}${suggestion(String(word), commands)}`,
  );
}

function describeStart(command: Argv): Argv {
  return command
    .options(startFlags)
    .example('$0 --app-url http://127.0.0.1:3000', 'Stand in front of a service on port 3000')
    .example(
      '$0 --json --ingress-port 0 --egress-port 0 --control-port 0 --admin-port 0',
      'Any free ports, told as JSON',
    )
    .example(
      '$0 --redact-header x-tenant --redact-body-path "$.card.number"',
      'Hide more than the usual secrets',
    );
}

function describeInspectCase(command: Argv): Argv {
  return command
    .usage('$0 inspect case <file> [flags]')
    .positional('file', { type: 'string', demandOption: true, describe: 'A *.case.json file' })
    .options(inspectCaseFlags)
    .example('$0 inspect case captures/checkout.case.json', 'A table of the hops')
    .example('$0 inspect case captures/checkout.case.json --json', 'The same for a program');
}
