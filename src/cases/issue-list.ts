import type { ValidationIssue } from './validation.ts';

/** Collects what is wrong with a part of a document, so that one answer names every mistake. */
export class IssueList {
  readonly issues: ValidationIssue[] = [];

  add(pointer: string, message: string): void {
    this.issues.push({ pointer, message });
  }

  /** Takes over the issues of a part of the document that stands at `pointer`. */
  addAll(pointer: string, issues: readonly ValidationIssue[]): void {
    for (const issue of issues) this.add(pointer + issue.pointer, issue.message);
  }

  /** What `compile` gives, as a list; where it throws, an issue and an empty list. */
  attempt<T>(pointer: string, compile: () => T): T[] {
    try {
      return [compile()];
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.add(pointer, error.message);
      return [];
    }
  }
}

/** A JSON Pointer from its reference tokens (RFC 6901 section 3). */
export function pointerTo(...tokens: readonly (string | number)[]): string {
  return tokens.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
