import { SoftprobeError } from '../cases/index.ts';

/** No runtime answered: nothing listens there, the connection broke, or the time was up. */
export class RuntimeUnreachableError extends SoftprobeError {
  override readonly name = 'RuntimeUnreachableError';
  /** What was called. */
  readonly url: string;

  constructor(url: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.url = url;
  }
}

/** The runtime answered a call with an error, or with something that it would not say. */
export class RuntimeError extends SoftprobeError {
  override readonly name = 'RuntimeError';
  /** HTTP status. */
  readonly status: number;
  /** What it answered: JSON parsed, else the text. */
  readonly body: unknown;
  /** What was called. */
  readonly url: string;
  /** The code in the answer, such as `invalid_request`; undefined where there is none. */
  readonly code: string | undefined;

  constructor(
    message: string,
    answer: { readonly status: number; readonly body: unknown; readonly url: string; readonly code?: string },
  ) {
    super(message);
    this.status = answer.status;
    this.body = answer.body;
    this.url = answer.url;
    this.code = answer.code;
  }
}

/** The session is not open: it was closed, was idle for too long, or never was. */
export class UnknownSessionError extends SoftprobeError {
  override readonly name = 'UnknownSessionError';
  readonly sessionId: string;

  constructor(sessionId: string, reason: string) {
    super(
      `the session …${sessionId.slice(-4)} ${reason}: start another one with softprobe.startSession({ mode })`,
    );
    this.sessionId = sessionId;
  }
}

/** A case that cannot be loaded. `cause` is the error underneath. */
export class CaseLoadError extends SoftprobeError {
  override readonly name = 'CaseLoadError';
  /** The file; undefined for a document that was handed over. */
  readonly path: string | undefined;

  constructor(path: string | undefined, cause: Error) {
    super(
      `${cause.message}; a capture session writes a case when it is closed, and \`softprobe-proxy validate case FILE\` checks one`,
      { cause },
    );
    this.path = path;
  }
}
