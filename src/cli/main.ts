/**
 * How people start the proxy and talk to it: the program behind `softprobe-proxy` and `softprobe`. This file is
 * what bin/ runs; program.ts has the commands, each of which has a file of its own.
 */
import { ExitCode } from './exit-code.ts';
import { CliFailure, UsageError } from './failure.ts';
import { runProgram } from './program.ts';

// A reader that has seen enough (`… | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(ExitCode.ok);
  throw error;
});

try {
  const exitCode = await runProgram(process.argv.slice(2));
  // Not only `process.exitCode`: a connection that somebody still holds must not keep a stopped proxy alive.
  process.exit(exitCode);
} catch (error) {
  if (!(error instanceof CliFailure)) {
    console.error(error);
    process.exit(ExitCode.internal);
  }
  const hint = error instanceof UsageError ? '\nsoftprobe-proxy --help tells what can be said' : '';
  console.error(`softprobe-proxy: ${error.message}${hint}`);
  process.exit(error.exitCode);
}
