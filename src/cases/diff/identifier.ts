/**
 * What looks like an identifier that a program made up: `8b1a22b1`, `ord_4Zk9x2Pq7T`, `P-291798`. Not a word, not a
 * small number, and no digest of a content (40 hex digits and more), which means something.
 */

/** An identifier in the left capture, and the one in its place in the right one. */
export type IdentifierPair = readonly [left: string, right: string];

/** What an identifier is made of. A percent-encoded octet (RFC 3986 section 2.1) ends it and is no part of it. */
const TOKEN = /%[0-9A-Fa-f]{2}|[\w-]+/g;

/** Can this text, which is an id by its name, be known again elsewhere? Not a word, nor the number of a counter. */
export function isDistinctive(text: string): boolean {
  return /^[\w-]{8,200}$/.test(text) && /\d/.test(text) && !/^\d{1,9}$/.test(text);
}

/** The kind of an identifier, before it: `ord_`, `P-`. */
const PREFIX = /^[A-Za-z]{1,16}[-_](?=[^-_])/;

const UUID = /^[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}$/;

/** Longest text in which identifiers are looked for pair by pair, in characters. */
const MAX_TEXT = 64 * 1024;

/** Changes the tokens of a text, in time linear in it. */
export function replaceTokens(text: string, replace: (token: string) => string): string {
  return text.replace(TOKEN, (token) => (token.startsWith('%') ? token : replace(token)));
}

/** The forms under which a token may be known: itself, without its prefix, and its parts. */
export function formsOf(token: string): string[] {
  const prefix = PREFIX.exec(token)?.[0] ?? '';
  const parts = /[-_]/.test(token) ? token.split(/[-_]/) : [];
  return [token, ...(prefix === '' ? [] : [token.slice(prefix.length)]), ...parts];
}

/** May this be an identifier, or a part of one? Quickly told: any word with a digit. */
export function mayBeIdentifier(token: string): boolean {
  return token.length >= 5 && token.length <= 200 && /\d|^[a-f]{8,32}$|^[A-F]{8,32}$/.test(token);
}

/**
 * The identifiers by which two texts differ that are otherwise of the same build; none where they are not.
 *
 * @param isNumberId may long numbers be identifiers here? The name of the place tells
 */
export function identifierPairs(left: string, right: string, isNumberId: boolean): IdentifierPair[] {
  if (left.length + right.length > MAX_TEXT) return [];
  const leftTokens: string[] = [];
  const rightTokens: string[] = [];
  const frameOf = (text: string, tokens: string[]) =>
    replaceTokens(text, (token) => {
      tokens.push(token);
      return '\0';
    });
  if (frameOf(left, leftTokens) !== frameOf(right, rightTokens)) return [];
  return leftTokens.flatMap((token, place): IdentifierPair[] => {
    const pair = identifierPair(token, rightTokens[place] ?? '', isNumberId);
    return pair === undefined ? [] : [pair];
  });
}

function identifierPair(left: string, right: string, isNumberId: boolean): IdentifierPair | undefined {
  if (left === right) return undefined;
  const prefix = PREFIX.exec(left)?.[0] ?? '';
  if (prefix !== '' && right.startsWith(prefix)) {
    const rest = [left.slice(prefix.length), right.slice(prefix.length)] as const;
    if (areMadeUp(...rest)) return rest;
    if (rest.every((part) => /^\d{1,20}$/.test(part)) && rest.some((part) => part.length > 4)) {
      return [left, right];
    }
  }
  const areNumbers = isNumberId && [left, right].every((token) => /^\d{6,20}$/.test(token));
  return areNumbers || areMadeUp(left, right) ? [left, right] : undefined;
}

/** Two of a kind: of the same length and alphabet. Hex is told by both together: one may happen to be all digits. */
function areMadeUp(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  const both = [left, right];
  if (both.every((token) => UUID.test(token))) return true;
  if ([/^[0-9a-f]{8,32}$/, /^[0-9A-F]{8,32}$/].some((hex) => both.every((token) => hex.test(token)))) {
    return /\d/.test(left + right) && /[a-f]/i.test(left + right);
  }
  return both.every(isScrambled);
}

/** Letters and digits in turns, as chance would have them and no name has. */
function isScrambled(token: string): boolean {
  if (token.length < 8 || token.length > 64 || /^[0-9a-f]{33,}$/i.test(token)) return false;
  const turns = token.match(/\d(?=[A-Za-z])|[A-Za-z](?=\d)/g)?.length ?? 0;
  return turns >= 4 || (token.length >= 20 && turns >= 2 && /[a-z]/.test(token) && /[A-Z]/.test(token));
}

/** A text with what looks like an identifier by itself replaced by `{id}`. */
export function withoutIdentifiers(text: string): string {
  return replaceTokens(text, (token) => {
    const prefix = PREFIX.exec(token)?.[0] ?? '';
    const rest = token.slice(prefix.length);
    return /^(?:[0-9a-f]{8,32}|[0-9A-F]{8,32})$/.test(rest) || isScrambled(rest) ? `${prefix}{id}` : token;
  });
}
