/**
 * Every error that the HTTP face of the runtime can answer with: stable code, HTTP status (CONTRACT
 * section 3) and whose doing it is, the caller's or ours.
 */
const registry = {
  invalid_request: { status: 400, side: 'caller' },
  missing_bearer_token: { status: 401, side: 'caller' },
  invalid_bearer_token: { status: 403, side: 'caller' },
  forbidden_origin: { status: 403, side: 'caller' },
  unknown_session: { status: 404, side: 'caller' },
  not_found: { status: 404, side: 'caller' },
  method_not_allowed: { status: 405, side: 'caller' },
  payload_too_large: { status: 413, side: 'caller' },
  unsupported_media_type: { status: 415, side: 'caller' },
  too_many_sessions: { status: 429, side: 'caller' },
  internal_error: { status: 500, side: 'runtime' },
  capture_write_failed: { status: 500, side: 'runtime' },
} as const satisfies Record<string, { status: number; side: 'caller' | 'runtime' }>;

export type RuntimeErrorCode = keyof typeof registry;

interface RuntimeErrorOptions {
  details?: unknown;
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
}

/** A failed call of the runtime, as it may be shown to its caller: the message holds no stack and no secret. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';
  readonly code: RuntimeErrorCode;
  /** More for a program to read, such as the issues of an invalid document. */
  readonly details: unknown;
  /** Header fields that the answer must have, such as `Allow` beside 405. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RuntimeErrorCode, message: string, options: RuntimeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details;
    this.headers = options.headers ?? {};
  }

  /** HTTP status code that goes with the code. */
  get status(): number {
    return registry[this.code].status;
  }

  get side(): 'caller' | 'runtime' {
    return registry[this.code].side;
  }
}
