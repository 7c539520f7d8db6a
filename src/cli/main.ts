/**
 * How people start the proxy and talk to it: the program behind `softprobe-proxy` and `softprobe`. This file is
 * what bin/ runs; commands/ has a file for each command.
 */
import { ExitCode } from './exit-code.ts';
import { runProgram } from './program.ts';

// A reader that has seen enough (`… | head`) is no error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(ExitCode.ok);
    throw error;
  });
}

const exitCode = await runProgram(process.argv.slice(2), process.env);
// Not only `process.exitCode`: a connection that somebody still holds must not keep a stopped proxy alive.
process.exit(exitCode);
