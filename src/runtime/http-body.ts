import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { RuntimeError } from './errors.ts';

/** Largest request body that the API takes, in bytes; the same bound holds for what it decompresses to. */
export const MAX_REQUEST_BODY = 32 * 1024 * 1024;

/** The client went away while its body was being read: there is nobody left to answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}

const decoders = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
]);

/**
 * Reads the whole body of a request and undoes its content coding (gzip, deflate).
 *
 * @param limit most bytes, before and after decoding
 * @throws {RuntimeError} `payload_too_large` as soon as Content-Length or the bytes themselves say so,
 * `unsupported_media_type` for another content coding, `invalid_request` where the coded bytes are broken
 * @throws {ClientGoneError}
 */
export async function readBody(request: IncomingMessage, limit: number = MAX_REQUEST_BODY): Promise<Buffer> {
  const coding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  const decode = decoders.get(coding);
  if (decode === undefined && coding !== 'identity' && coding !== '') {
    throw new RuntimeError(
      'unsupported_media_type',
      `expected Content-Encoding gzip, deflate or identity, got ${JSON.stringify(coding.slice(0, 40))}`,
    );
  }
  const wire = await readWireBytes(request, limit);
  if (decode === undefined || wire.length === 0) return wire;
  try {
    return await decode(wire, { maxOutputLength: limit });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit);
    throw new RuntimeError(
      'invalid_request',
      `the body is not ${coding} data, as its Content-Encoding says`,
      {
        cause: error,
      },
    );
  }
}

function readWireBytes(request: IncomingMessage, limit: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > limit) {
      reject(tooLarge(limit));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        chunks.length = 0;
        request.off('data', onData);
        request.pause();
        reject(tooLarge(limit));
        return;
      }
      chunks.push(chunk);
    };
    request.on('data', onData);
    request.on('end', () => resolve(Buffer.concat(chunks, size)));
    // `close` comes after `end` too; a promise that is settled takes no harm from it.
    const onGone = () => reject(new ClientGoneError('the client went away before its body was complete'));
    request.on('error', onGone);
    request.on('close', onGone);
  });
}

function tooLarge(limit: number): RuntimeError {
  return new RuntimeError(
    'payload_too_large',
    `the body is larger than ${limit} bytes, the most that is accepted`,
  );
}
