import zlib from 'node:zlib';

/** Content-coded bytes that cannot be decoded: corrupt, cut off, too large, or in a coding that we do not know. */
export class ContentCodingError extends Error {
  override readonly name = 'ContentCodingError';
  /** The content coding at fault. */
  readonly coding: string;

  constructor(coding: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.coding = coding;
  }
}

/** Most bytes that decoding may produce unless the caller says otherwise: 64 MiB. */
const DEFAULT_LIMIT = 64 * 1024 * 1024;

/** Real messages have one coding, seldom two; a longer chain is an attack by amplification. */
const MAX_CODINGS = 4;

/**
 * Undoes the content codings of a body (RFC 9110 section 8.4.1): gzip, deflate (zlib-wrapped, or raw as some
 * servers send it), br, zstd and identity; a list of codings from right to left.
 *
 * @param limit most bytes that may come out
 * @throws {ContentCodingError} for an unknown coding, corrupt or cut-off data, or more output than `limit`
 */
export function decodeContent(
  bytes: Uint8Array,
  contentEncoding: string | undefined,
  limit: number = DEFAULT_LIMIT,
): Uint8Array {
  return codingsOf(contentEncoding).reduceRight(
    (coded, coding) => decode(coded, coding, limit, false),
    bytes,
  );
}

/**
 * As {@link decodeContent}, for a body of which only the beginning is there: what can be decoded of it.
 *
 * @throws {ContentCodingError} as `decodeContent`, but not for data that merely ends early
 */
export function decodeContentPrefix(
  bytes: Uint8Array,
  contentEncoding: string | undefined,
  limit: number = DEFAULT_LIMIT,
): Uint8Array {
  return codingsOf(contentEncoding).reduceRight((coded, coding) => decode(coded, coding, limit, true), bytes);
}

/**
 * Applies content codings, from left to right: the inverse of {@link decodeContent}, though not to the same
 * compressed bytes that another encoder made.
 *
 * @throws {ContentCodingError} for a coding that we do not know
 */
export function encodeContent(bytes: Uint8Array, contentEncoding: string | undefined): Uint8Array {
  return codingsOf(contentEncoding).reduce(encode, bytes);
}

/** Does the value name any coding that changes bytes? */
export function isCoded(contentEncoding: string | undefined): boolean {
  return contentEncoding !== undefined && listCodings(contentEncoding).length > 0;
}

function codingsOf(contentEncoding: string | undefined): string[] {
  if (contentEncoding === undefined) return [];
  const codings = listCodings(contentEncoding);
  if (codings.length > MAX_CODINGS) {
    throw new ContentCodingError(
      contentEncoding,
      `expected at most ${MAX_CODINGS} content codings, got ${codings.length}`,
    );
  }
  return codings;
}

function listCodings(contentEncoding: string): string[] {
  return contentEncoding
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
}

function decode(bytes: Uint8Array, coding: string, maxOutputLength: number, isPrefix: boolean): Uint8Array {
  const { Z_SYNC_FLUSH, Z_FINISH } = zlib.constants;
  const options = { maxOutputLength, finishFlush: isPrefix ? Z_SYNC_FLUSH : Z_FINISH };
  try {
    switch (coding) {
      case 'gzip':
      case 'x-gzip':
        return zlib.gunzipSync(bytes, options);
      case 'deflate':
        return isZlibWrapped(bytes) ? zlib.inflateSync(bytes, options) : zlib.inflateRawSync(bytes, options);
      case 'br':
        return zlib.brotliDecompressSync(bytes, {
          maxOutputLength,
          ...(isPrefix && { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH }),
        });
      case 'zstd':
        return decodeZstd(bytes, maxOutputLength, isPrefix);
      default:
        throw unknownCoding(coding);
    }
  } catch (cause) {
    if (cause instanceof ContentCodingError) throw cause;
    const isTooLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    const what = isTooLarge
      ? `decodes to more than ${maxOutputLength} bytes`
      : `is not valid ${coding} (${cause instanceof Error ? cause.message : String(cause)})`;
    throw new ContentCodingError(coding, `the body ${what}`, { cause });
  }
}

function encode(bytes: Uint8Array, coding: string): Uint8Array {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return zlib.gzipSync(bytes);
    case 'deflate':
      return zlib.deflateSync(bytes);
    case 'br':
      // Quality 11, the default, is meant for files that are compressed once: it costs a second a megabyte.
      return zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } });
    case 'zstd':
      return zlib.zstdCompressSync(bytes);
    default:
      throw unknownCoding(coding);
  }
}

function unknownCoding(coding: string): ContentCodingError {
  return new ContentCodingError(
    coding,
    `unknown content coding ${JSON.stringify(coding)}; known are gzip, deflate, br, zstd and identity`,
  );
}

/** More frames than a body has in earnest: each of them costs a decoder. */
const MAX_FRAMES = 1000;

/** Zstandard content may be several frames in a row (RFC 8878 section 3.1); zlib decodes one at a time. */
function decodeZstd(bytes: Uint8Array, limit: number, isPrefix: boolean): Uint8Array {
  const options = {
    maxOutputLength: limit,
    info: true,
    ...(isPrefix && { finishFlush: zlib.constants.ZSTD_e_flush }),
  };
  const frames: Uint8Array[] = [];
  let size = 0;
  let rest = bytes;
  do {
    // With `info`, which the types do not know of, zlib also tells how much of the input it has used.
    const { buffer, engine } = zlib.zstdDecompressSync(rest, options) as unknown as DecodedFrame;
    frames.push(buffer);
    size += buffer.length;
    if (size > limit) throw new ContentCodingError('zstd', `the body decodes to more than ${limit} bytes`);
    if (frames.length > MAX_FRAMES)
      throw new ContentCodingError('zstd', `the body has more than ${MAX_FRAMES} frames`);
    if (engine.bytesWritten === 0) break;
    rest = rest.subarray(engine.bytesWritten);
  } while (rest.length > 0);
  const [only] = frames;
  return only !== undefined && frames.length === 1 ? only : Buffer.concat(frames);
}

interface DecodedFrame {
  readonly buffer: Uint8Array;
  readonly engine: { readonly bytesWritten: number };
}

/** The two-octet header of RFC 1950 section 2.2: method 8, and a check that makes it a multiple of 31. */
function isZlibWrapped(bytes: Uint8Array): boolean {
  const [method = 0, flags = 0] = bytes;
  return (method & 0x0f) === 8 && ((method << 8) | flags) % 31 === 0;
}
