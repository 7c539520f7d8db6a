import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { field, type Response } from './http-message.ts';

/** A response body without its content codings; as it came where one is unknown or does not fit the bytes. */
export function decodedBody(response: Response): Buffer {
  const codings = (field(response, 'content-encoding') ?? '').split(',').map((coding) => coding.trim());
  try {
    return codings.reduceRight(decode, response.body);
  } catch {
    return response.body;
  }
}

function decode(bytes: Buffer, coding: string): Buffer {
  if (bytes.length === 0) return bytes;
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return gunzipSync(bytes);
    case 'br':
      return brotliDecompressSync(bytes);
    case 'zstd':
      return zstdDecompressSync(bytes);
    case 'deflate':
      return inflateEither(bytes);
    default:
      return bytes;
  }
}

/** RFC 9110 section 8.4.1.2 says zlib-wrapped, and notes that some servers send it bare. */
function inflateEither(bytes: Buffer): Buffer {
  try {
    return inflateSync(bytes);
  } catch {
    return inflateRawSync(bytes);
  }
}
