import type { AuthFixtures } from '../documents.generated.ts';
import { IssueList, pointerTo } from '../issue-list.ts';
import { hasPlaceholder } from '../redaction.ts';
import { InvalidDocumentError } from '../validation.ts';

/** Splits a text into what stands around placeholders and, at the odd places, the placeholders. */
const PLACEHOLDER = /(\[redacted:[0-9a-f]{12}\])/;

/** A recorded text with what is known put in the place of what it hides. */
export interface FilledText {
  readonly text: string;
  /** False where a placeholder is left. */
  readonly isWhole: boolean;
}

/** The value of a header that is to be sent. */
export interface FilledHeader {
  /** Undefined where none of it is known: the header has to be left out. */
  readonly value: string | undefined;
  /** Parts that are not known: the header's name, or those of its cookies as `cookie NAME`. */
  readonly missing: readonly string[];
}

/**
 * What stands in the place of a recording's placeholders while it is replayed: values that somebody gave, and those
 * that the replayed service itself hands out, where the recorded one had handed out what is hidden (a session
 * cookie, a token in a login's answer). A placeholder stands for the same value in all of one recording.
 */
export class ReplaySecrets {
  /** By placeholder. */
  readonly #values = new Map<string, string>();
  /** Cookies as they were recorded, `name=value`, to what the replayed service has set instead. */
  readonly #cookies = new Map<string, string>();
  readonly #givenTokens: ReadonlyMap<string, string>;
  readonly #givenCookies: ReadonlyMap<string, string>;

  /**
   * @param fixtures tokens by the name of their header (the only one there is also serves `authorization`) or by
   * their placeholder, and cookies by name
   * @throws {InvalidDocumentError} when one of them is no text
   */
  constructor(fixtures: AuthFixtures = {}) {
    const found = new IssueList();
    this.#givenTokens = namedTexts('tokens', fixtures.tokens, found);
    this.#givenCookies = namedTexts('cookies', fixtures.cookies, found);
    if (found.issues.length > 0) throw new InvalidDocumentError('auth-fixtures', found.issues);
    for (const [name, value] of this.#givenTokens) if (PLACEHOLDER.test(name)) this.#values.set(name, value);
  }

  /**
   * A recorded text with what is known of its placeholders.
   *
   * @param written writes a value as the text around it demands
   */
  fill(recorded: string, written: (value: string) => string = (value) => value): FilledText {
    if (!hasPlaceholder(recorded)) return { text: recorded, isWhole: true };
    let isWhole = true;
    const filled = recorded.split(PLACEHOLDER).map((part, at) => {
      if (at % 2 === 0) return part;
      const value = this.#values.get(part);
      if (value !== undefined) return written(value);
      isWhole = false;
      return part;
    });
    return { text: filled.join(''), isWhole };
  }

  /** The value to send for a recorded one. */
  fillHeader(lowerName: string, recorded: string): FilledHeader {
    if (lowerName === 'cookie') return this.#fillCookies(recorded);
    const { text, isWhole } = this.fill(recorded);
    if (isWhole) return { value: text, missing: [] };
    const token = this.#tokenFor(lowerName);
    if (token === undefined) return { value: undefined, missing: [lowerName] };
    const scheme = /^\S+ (?=\[redacted:)/.exec(recorded)?.[0] ?? '';
    // Given together with its scheme, it is taken as it is.
    return { value: /^\S+ \S/.test(token) ? token : scheme + token, missing: [] };
  }

  #tokenFor(lowerName: string): string | undefined {
    const named = this.#givenTokens.get(lowerName);
    if (named !== undefined || lowerName !== 'authorization' || this.#givenTokens.size !== 1) return named;
    return [...this.#givenTokens.values()][0];
  }

  #fillCookies(recorded: string): FilledHeader {
    const kept: string[] = [];
    const missing: string[] = [];
    for (const pair of recorded.split(';').map((part) => part.trim())) {
      const [name, value] = splitCookie(pair);
      const { text, isWhole } = this.fill(value);
      const known =
        this.#cookies.get(pair) ?? (isWhole ? text : undefined) ?? this.#givenCookies.get(name.toLowerCase());
      if (known === undefined) missing.push(`cookie ${name}`);
      else if (pair !== '') kept.push(name === '' ? known : `${name}=${known}`);
    }
    return { value: kept.length > 0 ? kept.join('; ') : undefined, missing };
  }

  /**
   * Whether a text says the same as the recorded one, whatever stands where that has placeholders, if only there is
   * something. Then what stands there is what they hide from now on.
   */
  reveals(recorded: string, replayed: string): boolean {
    if (!hasPlaceholder(recorded)) return recorded === replayed;
    const found = hiddenIn(recorded.split(PLACEHOLDER), replayed);
    for (const [placeholder, value] of found ?? []) this.#values.set(placeholder, value);
    return found !== undefined;
  }

  /** Takes note of what a placeholder stands for that is a whole value. */
  learn(placeholder: string, value: unknown): void {
    this.#values.set(placeholder, typeof value === 'string' ? value : JSON.stringify(value));
  }

  /** Takes note of a cookie that was set with another value than the recorded one, as sessions have them. */
  learnCookie(recordedSetCookie: string, replayedSetCookie: string): void {
    const [pair = ''] = recordedSetCookie.split(';');
    const [name] = splitCookie(pair.trim());
    const [replayedName, value] = splitCookie((replayedSetCookie.split(';')[0] ?? '').trim());
    if (name === replayedName) this.#cookies.set(pair.trim(), value);
  }
}

/** Without a `=` it is a value without a name (RFC 6265 section 5.2 and browsers since). */
function splitCookie(pair: string): [name: string, value: string] {
  const at = pair.indexOf('=');
  return at === -1 ? ['', pair] : [pair.slice(0, at), pair.slice(at + 1)];
}

/** What a text has in the places of placeholders; undefined where it differs elsewhere, or has nothing there. */
function hiddenIn(
  parts: readonly string[],
  text: string,
): [placeholder: string, value: string][] | undefined {
  const [prefix = ''] = parts;
  if (!text.startsWith(prefix)) return undefined;
  const found: [string, string][] = [];
  let at = prefix.length;
  for (let i = 1; i < parts.length; i += 2) {
    const next = parts[i + 1] ?? '';
    const isLast = i + 2 >= parts.length;
    const end = isLast ? text.length - next.length : text.indexOf(next, at + 1);
    if (end <= at || !text.startsWith(next, end)) return undefined;
    found.push([parts[i] ?? '', text.slice(at, end)]);
    at = end + next.length;
  }
  return found;
}

/** Names to texts: from an object, or from a list of `{ name, value }`, `name=value` or bare texts. */
function namedTexts(
  key: 'tokens' | 'cookies',
  given: AuthFixtures['tokens'],
  found: IssueList,
): ReadonlyMap<string, string> {
  const entries = Array.isArray(given)
    ? given.map((item, index) => [index, ...namedItem(key, item)] as const)
    : Object.entries(given ?? {}).map(([name, value]) => [name, name, valueIn(value)] as const);
  const texts = new Map<string, string>();
  for (const [place, name, value] of entries) {
    if (value !== undefined) texts.set(name.toLowerCase() || String(place), value);
    else found.add(pointerTo(key, place), 'expected a text, or an object with a "value" that is one');
  }
  return texts;
}

function namedItem(key: 'tokens' | 'cookies', item: unknown): [name: string, value: string | undefined] {
  if (typeof item === 'string') return key === 'cookies' ? splitCookie(item) : ['', item];
  const isNamed =
    typeof item === 'object' && item !== null && 'name' in item && typeof item.name === 'string';
  return [isNamed ? String(item.name) : '', valueIn(item)];
}

function valueIn(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const isObject = typeof value === 'object' && value !== null && 'value' in value;
  return isObject && typeof value.value === 'string' ? value.value : undefined;
}
