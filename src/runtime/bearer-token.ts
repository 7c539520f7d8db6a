import { createHash, timingSafeEqual } from 'node:crypto';
import { RuntimeError } from './errors.ts';

/**
 * Demands `Authorization: Bearer <expected>` (RFC 6750 section 2.1).
 *
 * @throws {RuntimeError} `missing_bearer_token` where there is no bearer token, `invalid_bearer_token`
 * where it is another one
 */
export function demandBearerToken(authorization: string | undefined, expected: string): void {
  const given = /^bearer +([^\s]+) *$/i.exec(authorization ?? '')?.[1];
  if (given === undefined) {
    throw new RuntimeError(
      'missing_bearer_token',
      'this runtime asks for a token: send the header "Authorization: Bearer <token>" (SOFTPROBE_API_TOKEN)',
      { headers: { 'www-authenticate': 'Bearer realm="softprobe"' } },
    );
  }
  // Digests have one length, so that the comparison tells neither the content nor the length by its time.
  if (!timingSafeEqual(digest(given), digest(expected))) {
    throw new RuntimeError(
      'invalid_bearer_token',
      'the bearer token is not the one this runtime was started with',
    );
  }
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
