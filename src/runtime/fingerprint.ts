import { createHash } from 'node:crypto';
import {
  canonicalJson,
  decodedBody,
  foldMethod,
  type Hop,
  jsonBodyOf,
  parseAuthority,
  portOf,
} from '../cases/index.ts';

/** 128 bits: nobody meets a collision by accident. */
const HEX_DIGITS = 32;

/**
 * Names a request by what it asks, so that the same miss is recognised when it comes again: a hash of method,
 * host, path with query, and normalised body (JSON with members in order, else the bytes without their
 * content coding). Headers do not count: they differ from run to run.
 *
 * @returns 32 hex digits
 */
export function requestFingerprint(hop: Hop): string {
  const authority = parseAuthority(hop.host);
  const target = hop.query === undefined ? hop.path : `${hop.path}?${hop.query}`;
  return createHash('sha256')
    .update(JSON.stringify([foldMethod(hop.method), authority.name, portOf(authority, hop.scheme), target]))
    .update(normalisedBody(hop))
    .digest('hex')
    .slice(0, HEX_DIGITS);
}

function normalisedBody(hop: Hop): string | Uint8Array {
  if (!(hop.body instanceof Uint8Array)) return '';
  const json = jsonBodyOf(hop);
  if (json !== undefined) {
    try {
      return canonicalJson(json.value);
    } catch (error) {
      // Nested deeper than the stack: then the bytes must do.
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return decodedBody(hop.body, hop);
}
