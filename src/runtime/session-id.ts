import { randomBytes } from 'node:crypto';

/** A new session id: `sess_` and 128 random bits in base64url (CONTRACT section 3 asks for at least 96). */
export function createSessionId(): string {
  return `sess_${randomBytes(16).toString('base64url')}`;
}

/**
 * A session id as it may stand in logs and error messages: its last four characters. The id is a
 * capability: who knows it can read the session and change its rules.
 */
export function maskSessionId(id: string): string {
  return id.length > 8 ? `…${id.slice(-4)}` : '…';
}
