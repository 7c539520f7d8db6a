import type { IncomingMessage } from 'node:http';
import { parseJson } from '../cases/index.ts';
import { RuntimeError } from './errors.ts';
import { readBody } from './http-body.ts';

/** Deepest nesting of a document: far more than any has, far less than what overflows a recursive reader. */
const MAX_DEPTH = 500;

/**
 * Reads a JSON body. A byte order mark is ignored. A body without a content type, or with the form type that
 * `curl -d` gives, is taken when it parses as JSON.
 *
 * @returns the value; undefined for an empty body
 * @throws {RuntimeError} `invalid_request` with the place of the mistake, `unsupported_media_type`, and what
 * {@link readBody} throws
 */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const bytes = await readBody(request);
  if (bytes.length === 0) return undefined;
  const type = mediaType(request);
  if (type === 'other') throw unsupported(request);
  try {
    return parseDocument(bytes);
  } catch (error) {
    throw type === 'form' ? unsupported(request) : error;
  }
}

/** The same where a document is needed. */
export async function demandJson(request: IncomingMessage): Promise<unknown> {
  const value = await readJson(request);
  if (value === undefined)
    throw new RuntimeError('invalid_request', 'expected a JSON document, got an empty body');
  return value;
}

/**
 * Parses a document that came in.
 *
 * @throws {RuntimeError} `invalid_request`
 */
export function parseDocument(bytes: Uint8Array): unknown {
  const text = decodeUtf8(bytes);
  if (nestingOf(text) > MAX_DEPTH) {
    throw new RuntimeError('invalid_request', `the body is JSON nested deeper than ${MAX_DEPTH} levels`);
  }
  try {
    return parseJson(text);
  } catch (error) {
    throw new RuntimeError('invalid_request', `the body is ${(error as Error).message}`, { cause: error });
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new RuntimeError('invalid_request', 'the body is not UTF-8 text', { cause: error });
  }
}

/** How deep brackets are nested outside of strings; a text that is no JSON gets some number. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (isInString) {
      if (code === 0x5c) i++;
      else if (code === 0x22) isInString = false;
    } else if (code === 0x22) isInString = true;
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return deepest;
}

/** What a Content-Type says about a body, as far as the API makes a difference. */
function mediaType(request: IncomingMessage): 'json' | 'form' | 'other' {
  const [essence = '', ...parameters] = (request.headers['content-type'] ?? '').toLowerCase().split(';');
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='))?.split('=')[1];
  // RFC 8259 section 8.1: JSON between systems is UTF-8.
  if (charset !== undefined && !/^"?(?:utf-?8|us-ascii)"?$/.test(charset.trim())) return 'other';
  const type = essence.trim();
  if (type === '' || type === 'application/json' || /^[^/]+\/[^/]+\+json$/.test(type)) return 'json';
  return type === 'application/x-www-form-urlencoded' ? 'form' : 'other';
}

function unsupported(request: IncomingMessage): RuntimeError {
  const given = JSON.stringify((request.headers['content-type'] ?? '').slice(0, 100));
  return new RuntimeError(
    'unsupported_media_type',
    `expected Content-Type application/json (UTF-8), got ${given}${/form/.test(given) ? ', and the body is not JSON' : ''}`,
  );
}
