import type { ValidationIssue } from './validation.ts';

/** Bytes or JSON from outside that are no OTLP trace payload. */
export class OtlpError extends Error {
  override readonly name = 'OtlpError';
  /** What is wrong where, for JSON; empty for protobuf. */
  readonly issues: readonly ValidationIssue[];

  constructor(message: string, issues: readonly ValidationIssue[] = [], options?: ErrorOptions) {
    super(message, options);
    this.issues = issues;
  }
}
