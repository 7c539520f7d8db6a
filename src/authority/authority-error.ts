/**
 * What is wrong with the authority:
 * - `unreadable`: its files cannot be read, or belong to somebody else
 * - `unwritable`: it cannot be created where it should be
 * - `invalid`: a file is damaged, or is no authority that clients would accept
 * - `mismatch`: the key is not that of the certificate
 * - `expired`: its time is over
 * - `host`: a name for which no certificate can be made
 */
export type AuthorityErrorCode = 'unreadable' | 'unwritable' | 'invalid' | 'mismatch' | 'expired' | 'host';

/** The authority cannot be used, or not for this host; the message names the file and says what to do. */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError';
  readonly code: AuthorityErrorCode;

  constructor(code: AuthorityErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
