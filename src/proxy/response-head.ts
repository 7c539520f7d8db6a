import { dropNominated } from './request-head.ts';

/** An upstream's header section, ready to be written downstream. */
export interface ResponseHead {
  /** The fields to pass on, in order and as they came, without the hop-by-hop ones. */
  readonly fields: string[];
  hasContentLength: boolean;
  hasTrailer: boolean;
}

/** A header section as a client library hands it over: undici gives bytes, `node:http` latin-1 strings. */
export type RawFields = readonly (Buffer | string)[];

/**
 * Reads an upstream's raw header list and drops what is hop-by-hop (RFC 9110 section 7.6.1): `Connection`
 * and the fields that it names, `Keep-Alive`, `Proxy-Connection`, `Transfer-Encoding` and `Upgrade`.
 * `Trailer` stays: trailers are passed on.
 */
export function readResponseHead(raw: RawFields): ResponseHead {
  const fields: string[] = [];
  const head: ResponseHead = { fields, hasContentLength: false, hasTrailer: false };
  let connection: string | undefined;
  for (let i = 0; i < raw.length; i += 2) {
    const name = toLatin1(raw[i] as Buffer | string);
    const value = toLatin1(raw[i + 1] as Buffer | string);
    switch (name.length) {
      case 7:
        if (name.toLowerCase() === 'upgrade') continue;
        if (name.toLowerCase() === 'trailer') head.hasTrailer = true;
        break;
      case 10: {
        const lower = name.toLowerCase();
        if (lower === 'connection') {
          connection = connection === undefined ? value : `${connection},${value}`;
          continue;
        }
        if (lower === 'keep-alive') continue;
        break;
      }
      case 14:
        if (name.toLowerCase() === 'content-length') head.hasContentLength = true;
        break;
      case 16:
        if (name.toLowerCase() === 'proxy-connection') continue;
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') continue;
        break;
    }
    fields.push(name, value);
  }
  if (connection !== undefined) dropNominated(fields, connection.toLowerCase());
  return head;
}

/** Flat raw list to latin-1 strings, nothing dropped. For trailers and informational responses. */
export function readFields(raw: RawFields): string[] {
  return raw.map(toLatin1);
}

function toLatin1(value: Buffer | string): string {
  return typeof value === 'string' ? value : value.toString('latin1');
}

/**
 * A reason phrase as latin-1 text. undici decodes it as UTF-8, so that what was not ASCII has to be turned
 * back into its bytes before it can be written.
 */
export function latin1Reason(utf8: string): string {
  for (let i = 0; i < utf8.length; i++) {
    if (utf8.charCodeAt(i) > 0x7e) return Buffer.from(utf8, 'utf8').toString('latin1');
  }
  return utf8;
}
