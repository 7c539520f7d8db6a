import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { CliFailure } from './failure.ts';

/** What shells end with for a command that cannot be run (POSIX.1-2017, Shell Command Language, 2.8.2). */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/**
 * Makes sure, before anything is started or written for its sake, that a command can be run: as `execvp` looks
 * for it, in the folders of PATH where its name has no slash.
 *
 * @throws {CliFailure} with exit code 127 when it is not there, 126 when it may not be run
 */
export async function checkCommand(program: string, environment: NodeJS.ProcessEnv): Promise<void> {
  // Windows adds suffixes by rules of its own; there the start itself has to tell.
  if (process.platform === 'win32') return;
  const candidates = program.includes('/')
    ? [program]
    : (environment.PATH ?? '/usr/bin:/bin').split(delimiter).map((folder) => join(folder || '.', program));
  let unusable: CliFailure | undefined;
  for (const candidate of candidates) {
    const found = await stat(candidate).catch(() => undefined);
    if (found === undefined) continue;
    if (found.isDirectory()) {
      unusable ??= commandFailure(program, 'EISDIR');
    } else if (await access(candidate, constants.X_OK).then(isTrue, isFalse)) {
      return;
    } else {
      unusable ??= commandFailure(program, 'EACCES');
    }
  }
  throw unusable ?? commandFailure(program, 'ENOENT');
}

const isTrue = () => true;
const isFalse = () => false;

/** @param code why it cannot be run, in the system's words */
export function commandFailure(program: string, code: string, cause?: unknown): CliFailure {
  const name = JSON.stringify(program);
  switch (code) {
    case 'ENOENT':
      return new CliFailure(
        `run: there is no command ${name}; it is run without a shell, as the words after --`,
        {
          exitCode: NOT_FOUND,
          code: 'command_not_found',
          cause,
        },
      );
    case 'EISDIR':
      return notExecutable(`run: ${name} is a folder, not a command`, cause);
    case 'EACCES':
      return notExecutable(
        `run: ${name} is not executable; make it so by chmod +x, or name its interpreter`,
        cause,
      );
    default:
      return notExecutable(`run: ${name} cannot be started (${code})`, cause);
  }
}

function notExecutable(message: string, cause: unknown): CliFailure {
  return new CliFailure(message, { exitCode: NOT_EXECUTABLE, code: 'command_not_executable', cause });
}
