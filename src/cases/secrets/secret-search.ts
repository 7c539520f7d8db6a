import { ContentCodingError, decodeContentPrefix } from '../content-coding.ts';
import { JsonSyntaxError, walkJson } from '../json-text.ts';
import { KnownSecrets } from './known-secret.ts';
import { type Range, withoutPlaceholders } from './placeholder.ts';
import { findShapes, isNamedSecret, isSecretName } from './secret-shape.ts';

/** A secret in a text. */
export interface FoundSecret extends Range {
  /** `known-secret` for one that was named, `named-value` for one under a telling name, else as its issuer calls it. */
  readonly kind: string;
  /** What has to be undone to read it, from the outside in: `base64`, `gzip`, `url`, `json`, `hex`. */
  readonly encoding: readonly string[];
}

/** Encodings inside each other that are undone. */
const MAX_DEPTH = 4;

/** Most octets that compressed ones are decompressed to. What is larger is reported, as nobody has looked. */
const MAX_DECOMPRESSED = 64 * 1024 * 1024;

/** Fewest octets of a binary format that are looked into. */
const MIN_BINARY = 32;

/** Longer base64 begins where its run does. */
const MAX_MISALIGNED = 64 * 1024;

/** Finds secrets in texts, in whatever encoding. */
export class SecretSearch {
  readonly #known: KnownSecrets;
  readonly #usesShapes: boolean;

  /**
   * @param options.secrets values that are secret, of at least six characters
   * @param options.shapes also find what looks like a secret; true when left out
   */
  constructor(options: { secrets?: readonly string[]; shapes?: boolean } = {}) {
    this.#known = new KnownSecrets(options.secrets ?? []);
    this.#usesShapes = options.shapes ?? true;
  }

  /**
   * The secrets in a text in their order, none overlapping another. What is found in an encoding is told by the
   * encoded run. Placeholders are no secrets.
   *
   * @param name of what has the text as its value; it may tell that it is a secret
   */
  find(text: string, name = ''): FoundSecret[] {
    return withoutOverlaps(this.#search(withoutPlaceholders(text), name, 0));
  }

  #search(text: string, name: string, depth: number): FoundSecret[] {
    if (text.length < 4) return [];
    const known = this.#known.find(text).map((range) => ({ ...range, kind: 'known-secret', encoding: [] }));
    const plain = this.#usesShapes ? [...known, ...findPlain(text, name)] : known;
    if (depth === MAX_DEPTH) return plain;
    return [
      ...plain,
      ...this.#searchJson(text, depth),
      ...this.#searchUrlEncoded(text, depth),
      ...this.#searchHex(text, depth),
      ...this.#searchBase64(text, depth),
    ];
  }

  /** The values of a JSON document: unescaped, and those whose name tells. */
  #searchJson(text: string, depth: number): FoundSecret[] {
    const found: FoundSecret[] = [];
    if (!/^\s*[[{"]/.test(text)) return this.#searchEscaped(text, depth);
    const visit = (path: readonly (string | number)[], start: number, end: number) => {
      if (text[start] !== '"') return;
      const name = String(path.findLast((token) => typeof token === 'string') ?? '');
      const isEscaped = text.slice(start, end).includes('\\');
      // Texts without escapes have been looked at as a part of the whole.
      if (!isEscaped && !isSecretName(name)) return;
      const value: unknown = JSON.parse(text.slice(start, end));
      if (typeof value !== 'string') return;
      if (!isEscaped) {
        if (this.#usesShapes && isNamedSecret(name, value))
          found.push(namedValue({ start: start + 1, end: end - 1 }));
        return;
      }
      const inside = this.#search(value, name, depth + 1);
      for (const secret of within({ start: start + 1, end: end - 1 }, 'json', inside)) found.push(secret);
    };
    // Several documents, one a line, and documents that were cut off are searched as far as they can be read.
    try {
      walkJson(text, visit);
    } catch (error) {
      if (!(error instanceof JsonSyntaxError)) throw error;
      return [...found, ...this.#searchEscaped(text, depth)];
    }
    return found;
  }

  /** Text with JSON's escapes in it that is no JSON document as a whole. */
  #searchEscaped(text: string, depth: number): FoundSecret[] {
    if (!text.includes('\\')) return [];
    const unescaped = text.replace(
      /\\(?:u([0-9a-fA-F]{4})|(["\\/]))/g,
      (_all, hex?: string, plain?: string) =>
        hex === undefined ? (plain ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
    );
    if (unescaped === text) return [];
    const already = new Set(this.#search(text, '', MAX_DEPTH).map(({ kind }) => kind));
    const inside = this.#search(unescaped, '', depth + 1).filter(({ kind }) => !already.has(kind));
    return within({ start: 0, end: text.length }, 'json', inside);
  }

  #searchUrlEncoded(text: string, depth: number): FoundSecret[] {
    if (!text.includes('%')) return [];
    return runsOf(text, /[\w.~+*'()!%=&;/:@?,$-]+/g)
      .filter(({ start, end }) => /%[0-9a-fA-F]{2}/.test(text.slice(start, end)))
      .flatMap((run) =>
        // Parameter by parameter, so that only the one with the secret is meant.
        runsOf(text.slice(run.start, run.end), /[^&;=?/]+/g).flatMap((part) => {
          const range = { start: run.start + part.start, end: run.start + part.end };
          const coded = text.slice(range.start, range.end);
          const decoded = percentDecoded(coded);
          return decoded === coded ? [] : within(range, 'url', this.#search(decoded, '', depth + 1));
        }),
      );
  }

  #searchHex(text: string, depth: number): FoundSecret[] {
    return runsOf(text, /(?<![0-9a-zA-Z])(?:[0-9a-f]{24,}|[0-9A-F]{24,})(?![0-9a-zA-Z])/g).flatMap((run) => {
      const decoded = Buffer.from(text.slice(run.start, run.end), 'hex').toString('latin1');
      return isMostlyText(decoded) ? within(run, 'hex', this.#search(decoded, '', depth + 1)) : [];
    });
  }

  #searchBase64(text: string, depth: number): FoundSecret[] {
    return runsOf(text, /[\w+/-]{16,}={0,2}/g).flatMap((run) => {
      const coded = text.slice(run.start, run.end);
      const isAll = run.start === 0 && run.end === text.length;
      let found = this.#searchOctets(Buffer.from(coded, 'base64'), depth, isAll);
      // Its beginning may be hidden by letters that stand before it.
      for (let skipped = 1; skipped <= 3 && found.length === 0 && coded.length <= MAX_MISALIGNED; skipped++) {
        found = this.#searchOctets(Buffer.from(coded.slice(skipped), 'base64'), depth, false);
      }
      return within(run, 'base64', found);
    });
  }

  #searchOctets(octets: Buffer, depth: number, mayBeBrotli: boolean): FoundSecret[] {
    const coding = codingOf(octets);
    if (coding !== undefined) return this.#searchCoded(octets, coding, depth);
    const text = octets.toString('utf8');
    const found =
      isMostlyText(text) || octets.includes('-----BEGIN') ? this.#search(text, '', depth + 1) : [];
    // What is short is a word that looks like base64.
    if (found.length > 0 || isMostlyText(text) || octets.length < MIN_BINARY) return found;
    // Binary formats have texts in them; in UTF-16, as Windows writes it, there is a zero after each letter.
    const inBinary = this.#search(octets.toString('latin1').replaceAll('\0', ''), '', depth + 1);
    return inBinary.length > 0 || !mayBeBrotli ? inBinary : this.#searchCoded(octets, 'br', depth);
  }

  #searchCoded(octets: Buffer, coding: string, depth: number): FoundSecret[] {
    try {
      const decoded = Buffer.from(decodeContentPrefix(octets, coding, MAX_DECOMPRESSED));
      const all = { start: 0, end: decoded.length };
      return within(all, coding, this.#search(decoded.toString('utf8'), '', depth + 1));
    } catch (error) {
      if (!(error instanceof ContentCodingError)) throw error;
      if (coding === 'br' || !/decodes to more than/.test(error.message)) return [];
      return [{ start: 0, end: octets.length, kind: 'too-large-to-search', encoding: [coding] }];
    }
  }
}

function namedValue(range: Range): FoundSecret {
  return { ...range, kind: 'named-value', encoding: [] };
}

/** Secrets of known shape, and values whose name tells. */
function findPlain(text: string, name: string): FoundSecret[] {
  const shapes = findShapes(text).map((shape) => ({ ...shape, encoding: [] }));
  const whole = isNamedSecret(name, text) ? [namedValue({ start: 0, end: text.length })] : [];
  return [...shapes, ...whole, ...PAIRS.flatMap((pair) => findPairs(text, pair))];
}

/** Names and values as several notations have them; each pattern takes linear time. */
const PAIRS: readonly { readonly mark: string; readonly pattern: RegExp }[] = [
  // Queries, forms and settings: `…&client_secret=…`.
  { mark: '=', pattern: /(?<=^|[?&;\s])([\w.%[\]-]{2,100})=([^&;\s#"'<>\\]{8,8192})/dg },
  // JSON that is cut off, or comes in many documents.
  { mark: '":', pattern: /"([\w.$-]{2,100})": ?"([^"\\\s]{8,8192})"/dg },
  { mark: '</', pattern: /<([\w:.-]{2,100})>([^<>\s]{8,8192})<\//dg },
];

function findPairs(text: string, { mark, pattern }: (typeof PAIRS)[number]): FoundSecret[] {
  if (!text.includes(mark)) return [];
  const found: FoundSecret[] = [];
  for (const match of text.matchAll(pattern)) {
    const [start, end] = match.indices?.[2] ?? [0, 0];
    const isSecret = isNamedSecret(percentDecoded(match[1] ?? ''), percentDecoded(match[2] ?? ''));
    if (isSecret) found.push(namedValue({ start, end }));
  }
  return found;
}

function runsOf(text: string, pattern: RegExp): Range[] {
  return Array.from(text.matchAll(pattern), ({ 0: run, index }) => ({
    start: index,
    end: index + run.length,
  }));
}

/** What was found in the decoded form of a run is told by the run. */
function within(run: Range, encoding: string, found: readonly FoundSecret[]): FoundSecret[] {
  return found.map((secret) => ({
    start: run.start,
    end: run.end,
    kind: secret.kind,
    encoding: [encoding, ...secret.encoding],
  }));
}

function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text.replace(/%([0-9a-fA-F]{2})/g, (_all, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  }
}

/** Compressed octets by their signatures (RFC 1952 section 2.3.1, RFC 8878 section 3.1.1, RFC 1950 section 2.2). */
function codingOf(octets: Buffer): string | undefined {
  if (octets.length < 6) return undefined;
  if (octets[0] === 0x1f && octets[1] === 0x8b && octets[2] === 8) return 'gzip';
  if (octets.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  const isZlib = octets[0] === 0x78 && octets.readUInt16BE(0) % 31 === 0;
  return isZlib ? 'deflate' : undefined;
}

/** Octets that are no text decode to replacement and control characters. */
function isMostlyText(text: string): boolean {
  const sample = text.slice(0, 1000);
  let strange = 0;
  for (let at = 0; at < sample.length; at++) {
    const code = sample.charCodeAt(at);
    if (code === 0xfffd || (code < 0x20 && code !== 9 && code !== 10 && code !== 13)) strange += 1;
  }
  return strange * 10 < sample.length;
}

/** In order; of those that overlap one that spans both, with the kind of the first. */
function withoutOverlaps(found: FoundSecret[]): FoundSecret[] {
  const sorted = found.sort(
    (a, b) => a.start - b.start || a.encoding.length - b.encoding.length || b.end - a.end,
  );
  const merged: FoundSecret[] = [];
  for (const secret of sorted) {
    const last = merged.at(-1);
    if (last === undefined || secret.start >= last.end) merged.push(secret);
    else if (secret.end > last.end) merged[merged.length - 1] = { ...last, end: secret.end };
  }
  return merged;
}
