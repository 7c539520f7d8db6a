import { UsageError } from './failure.ts';

/**
 * Readers for values of flags and environment variables. `source` is where the value came from as the user
 * wrote it (`--ingress-port`, `APP_URL`); every error begins with it. Nothing is coerced or rounded.
 */

/** The longest that a Node.js timer can wait, in milliseconds (about 24.8 days). */
const MAX_DURATION = 2 ** 31 - 1;
const MAX_SIZE = 1024 ** 3;

const sizeUnits = new Map([
  ['', 1],
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
]);

const durationUnits = new Map([
  ['', 1],
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
]);

function wrongValue(source: string, expected: string, text: string): UsageError {
  return new UsageError(`${source}: expected ${expected}, got ${JSON.stringify(text)}`);
}

/** @returns a port, 0 to 65535; 0 means any free one */
export function readPort(source: string, text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw wrongValue(source, 'a port from 0 (any free one) to 65535', text);
  }
  return Number(text);
}

/** @returns an integer of at least 1 */
export function readCount(source: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw wrongValue(source, 'a whole number from 1', text);
  return Number(text);
}

/** @returns bytes; `text` is a number of bytes or has a unit: `64KiB`, `1MiB` */
export function readSize(source: string, text: string): number {
  const [, digits = '', unit = ''] = /^(\d{1,15})([A-Za-z]*)$/.exec(text) ?? [];
  const factor = sizeUnits.get(unit);
  if (digits === '' || factor === undefined || Number(digits) * factor > MAX_SIZE) {
    throw wrongValue(source, 'a size up to 1GiB such as 65536, 64KiB or 1MiB', text);
  }
  return Number(digits) * factor;
}

/** @returns milliseconds; `text` is a number of milliseconds or has a unit: `500ms`, `30s`, `5m`, `1h` */
export function readDuration(source: string, text: string, { allowZero = false } = {}): number {
  const [, digits = '', unit = ''] = /^(\d{1,15})([a-z]*)$/.exec(text) ?? [];
  const factor = durationUnits.get(unit);
  const expected = 'a time such as 500ms, 30s, 5m or 1h (without a unit: milliseconds)';
  if (digits === '' || factor === undefined) throw wrongValue(source, expected, text);
  const duration = Number(digits) * factor;
  if (duration > MAX_DURATION) throw wrongValue(source, 'a time of at most 596h (24 days)', text);
  if (duration === 0 && !allowZero) throw wrongValue(source, `${expected}, more than zero`, text);
  return duration;
}

/** @returns the origin of an HTTP server, such as `http://127.0.0.1:8081`, without a path */
export function readOrigin(source: string, text: string): string {
  const expected = 'an http:// or https:// URL with a host, such as http://127.0.0.1:8081';
  // URL would also mend `http:/x`, `http:\\x` and surrounding blanks.
  if (!/^https?:\/\/[^/\\\s]/i.test(text) || !URL.canParse(text)) throw wrongValue(source, expected, text);
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') {
    // The value is not repeated: it holds a password.
    throw new UsageError(`${source}: expected a URL without user name and password`);
  }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw wrongValue(source, 'a URL without path and query (those of each request are used)', text);
  }
  if (url.port === '0') throw wrongValue(source, 'a port from 1 to 65535', text);
  return url.origin;
}

/** @returns a name or IP address to bind; brackets around an IPv6 address are taken off */
export function readHost(source: string, text: string): string {
  const host = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (!/^[\w.:%-]{1,255}$/.test(host)) {
    throw wrongValue(source, 'an IP address or host name to listen on, such as 127.0.0.1', text);
  }
  return host;
}

/** @returns one of `choices` */
export function readChoice<Choice extends string>(
  source: string,
  text: string,
  choices: readonly Choice[],
): Choice {
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw wrongValue(source, `one of ${choices.join(', ')}`, text);
  return choice;
}

/** @returns the lower-case name of a header field (RFC 9110 section 5.1: a token) */
export function readHeaderName(source: string, text: string): string {
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(text)) throw wrongValue(source, 'the name of a header', text);
  return text.toLowerCase();
}

/** @returns `text`, which is printable and not empty */
export function readWord(source: string, text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused here
  if (text.trim() === '' || /[\u0000-\u001f\u007f]/.test(text)) {
    throw wrongValue(source, 'a printable text that is not empty', text);
  }
  return text;
}
