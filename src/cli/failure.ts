import { ExitCode } from './exit-code.ts';

/** An end of the program that is somebody's doing and no defect: one message, no stack. */
export class CliFailure extends Error {
  override readonly name: string = 'CliFailure';
  readonly exitCode: number;
  /** Stable word for programs that read `--json`. */
  readonly code: string;

  constructor(message: string, options: { exitCode?: number; code?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? ExitCode.failure;
    this.code = options.code ?? 'failure';
  }
}

/** The command line or the environment cannot be understood. */
export class UsageError extends CliFailure {
  override readonly name = 'UsageError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, exitCode: ExitCode.usage, code: 'usage' });
  }
}
