/**
 * What differs between two runs of the same test without meaning anything: ids, times, tokens. Texts are compared
 * once with the values, and once with every such value replaced by the name of its kind.
 */

/** Why a difference means nothing. */
export type NoiseKind =
  | 'uuid'
  | 'id'
  | 'time'
  | 'date'
  | 'token'
  | 'trace'
  | 'port'
  /** Follows from another difference, as a length does from a body. */
  | 'derived';

/**
 * Values that are noise wherever they stand. Each begins only where no character of its own class stands before
 * it, and none nests repeats, so that a search takes time linear in the text.
 */
const NOISE = new RegExp(
  [
    // Placeholders have a key of their own in each capture.
    String.raw`(?<token>\[redacted:[0-9a-f]{12}\]|(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*)`,
    `(?<uuid>(?<![0-9a-zA-Z])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9a-zA-Z]))`,
    // RFC 3339 and its relatives, HTTP dates (RFC 9110 section 5.6.7), milliseconds since 1970 (from 2001 on).
    String.raw`(?<time>(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?(?!\d)` +
      String.raw`|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT` +
      String.raw`|(?<![\w.-])1\d{12}(?![\w.-]))`,
    String.raw`(?<date>(?<![\w-])(?:19|20)\d\d-(?:0\d|1[0-2])-[0-3]\d(?![\w-]))`,
    // ULIDs; hex of the length of span and trace ids; and what carries its kind before it, as sess_… and ch_… do.
    String.raw`(?<id>(?<![\w-])(?:[0-7][0-9A-HJKMNP-TV-Z]{25}|(?=[a-f]*\d)(?=\d*[a-f])(?:[0-9a-f]{32}|[0-9a-f]{16})` +
      String.raw`|sess_[\w-]{10,64}|[a-z]{2,8}_(?=[A-Za-z]*\d)[A-Za-z0-9]{14,64})(?![\w-]))`,
    // Servers of tests listen where the system lets them.
    String.raw`(?<port>(?<=(?:127\.0\.0\.1|localhost|\[::1\]):)[1-9]\d{3,4}(?!\d))`,
  ].join('|'),
  'g',
);

/** Gives a text of the left capture as the right one would have it. */
export type Reading = (text: string) => string;

/** The reading of who knows nothing of the other capture. */
export const asItIs: Reading = (text) => text;

/** A text with its noise replaced, and the kinds that were in it. */
export interface Denoised {
  readonly text: string;
  readonly kinds: readonly NoiseKind[];
}

/** Replaces everything that is noise by its shape alone: `{uuid}`, `{time}`, … */
export function denoise(text: string): Denoised {
  const kinds = new Set<NoiseKind>();
  const replaced = text.replace(NOISE, (...parts) => {
    const groups: unknown = parts.at(-1);
    const kind = kindOf(groups);
    kinds.add(kind);
    return `{${kind}}`;
  });
  return { text: replaced, kinds: [...kinds] };
}

const SHAPE_KINDS: readonly NoiseKind[] = ['token', 'uuid', 'time', 'date', 'id', 'port'];

function kindOf(groups: unknown): NoiseKind {
  const found = typeof groups === 'object' && groups !== null ? Object.entries(groups) : [];
  const name = found.find(([, value]) => value !== undefined)?.[0];
  return SHAPE_KINDS.find((kind) => kind === name) ?? 'id';
}

/** Names of header fields whose values are new for each request, whatever they look like. */
const HEADER_NOISE: ReadonlyMap<string, NoiseKind> = new Map<string, NoiseKind>([
  ...['traceparent', 'tracestate', 'b3', 'uber-trace-id', 'x-amzn-trace-id', 'x-cloud-trace-context'].map(
    (name) => [name, 'trace'] as const,
  ),
  ...['x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-datadog-trace-id', 'x-datadog-parent-id'].map(
    (name) => [name, 'trace'] as const,
  ),
  ...[
    'x-request-id',
    'request-id',
    'x-correlation-id',
    'correlation-id',
    'x-amz-request-id',
    'x-amz-id-2',
  ].map((name) => [name, 'id'] as const),
  ...['x-amzn-requestid', 'x-softprobe-session-id', 'cf-ray', 'idempotency-key', 'x-github-request-id'].map(
    (name) => [name, 'id'] as const,
  ),
  // A validator changes with what it validates, which is compared itself (RFC 9110 section 8.8).
  ...['etag', 'content-length', 'content-md5', 'digest', 'content-digest', 'repr-digest'].map(
    (name) => [name, 'derived'] as const,
  ),
  ...['date', 'expires', 'last-modified', 'age', 'x-runtime', 'x-response-time', 'server-timing'].map(
    (name) => [name, 'time'] as const,
  ),
]);

/** Is a difference in this header field noise by the field's name? */
export function headerNoise(lowerName: string): NoiseKind | undefined {
  return HEADER_NOISE.get(lowerName);
}

const TOKEN_NAME = /token|secret|nonce|csrf|xsrf|signature|passw|api[-_]?key/i;
const ID_NAME = /(?:^|[-_.])(?:id|uuid|guid|ref|reference|key)s?$|[a-z](?:Id|ID|Uuid|Guid|Ref)s?$/;
const TIME_NAME =
  /(?:^|[-_.])(?:at|ts|time|timestamp|date|exp|iat|nbf|expires|expiry|created|updated|modified)$|(?:At|Time|Timestamp|Date|Expires|Created|Updated|Modified|Since|Until|On)(?:Ms|Millis|Seconds)?$/;

/**
 * Why two values of the same member mean the same; undefined where they do not.
 *
 * @param name of the member, parameter or field that has them; '' for none
 * @param read gives a left text as the right capture would have it: with ids that are known to be the same
 */
export function noiseBetween(
  name: string,
  left: unknown,
  right: unknown,
  read: Reading = asItIs,
): NoiseKind | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const isTime = [left, right].every((value) => isEpoch(value, TIME_NAME.test(name)));
    if (isTime) return 'time';
    return read(String(left)) === String(right) ? 'id' : undefined;
  }
  if (typeof left !== 'string' || typeof right !== 'string' || left === '' || right === '') return undefined;
  if (TOKEN_NAME.test(name)) return 'token';
  const { text, kinds } = denoise(left);
  const denoisedRight = denoise(right).text;
  if (kinds.length > 0 && text === denoisedRight) return kinds[0];
  const known = read(left);
  if (known !== left && denoise(known).text === denoisedRight) return 'id';
  return ID_NAME.test(name) && isLongId(left) && isLongId(right) ? 'id' : undefined;
}

/** Does what has this name identify something? */
export function isIdName(name: string): boolean {
  return ID_NAME.test(name);
}

/** Milliseconds since 1970 are told by their size, seconds only together with a name: 2001 to 2100. */
function isEpoch(value: number, hasTimeName: boolean): boolean {
  if (value >= 1e12 && value < 4.1e12) return true;
  return hasTimeName && value >= 1e9 && value < 4.1e9;
}

/** Made by a machine: long enough, with digits among the letters. */
function isLongId(text: string): boolean {
  return text.length >= 16 && text.length <= 200 && /^[\w.:~-]+$/.test(text) && /\d/.test(text);
}
