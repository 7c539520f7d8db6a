import { ExitCode } from './exit-code.ts';

/** One of several things that are wrong. */
export interface FailureDetail {
  /** JSON Pointer to what is wrong; '' is the whole document. */
  readonly pointer: string;
  /** From 1, where the document came as text. */
  readonly line?: number;
  readonly message: string;
}

export interface FailureOptions {
  /** {@link ExitCode.failure} where it is left out. */
  readonly exitCode?: number;
  readonly code?: string;
  /** Part of `error` with `--json`; the message has them in words. */
  readonly details?: readonly FailureDetail[];
  readonly cause?: unknown;
}

/** An end of the program that is somebody's doing and no defect: one message, no stack. */
export class CliFailure extends Error {
  override readonly name: string = 'CliFailure';
  readonly exitCode: number;
  /** Stable word for programs that read `--json`. */
  readonly code: string;
  readonly details: readonly FailureDetail[];

  constructor(message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? ExitCode.failure;
    this.code = options.code ?? 'failure';
    this.details = options.details ?? [];
  }
}

/** The command line or the environment cannot be understood. */
export class UsageError extends CliFailure {
  override readonly name = 'UsageError';

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, { ...options, exitCode: ExitCode.usage, code: 'usage' });
  }
}
