import { RE2JS, RE2JSException } from 're2js';

/** A compiled regular expression. */
export interface Pattern {
  readonly source: string;
  /** True when the expression matches anywhere in the value. */
  test(value: string): boolean;
  /** True when the expression matches the value from its first to its last character. */
  testWhole(value: string): boolean;
  /**
   * Where it matches, in order: the first group of the expression where it has one and that took part, else all
   * of the match. Empty matches are left out. Undefined where the value is too long to look at.
   */
  find(value: string): { start: number; end: number }[] | undefined;
}

/** A regular expression that cannot be used. The message names it and says why. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

/** Longest expression, in characters. */
const MAX_SOURCE_LENGTH = 4096;

/** Largest compiled program, in RE2 instructions: `[0-9a-f]{64}` takes about 65. */
const MAX_PROGRAM_SIZE = 2000;

/**
 * Most instruction-character pairs of one test. Matching is linear in both, at 5 to 15 ns for a pair where
 * the expression defeats the automaton cache, so that this bounds one test to a few seconds at the very worst.
 */
const MAX_TEST_STEPS = 250_000_000;

/** Expressions of other engines that RE2 has no linear-time answer to. */
const UNSUPPORTED = [
  { marks: ['(?=', '(?!', '(?<=', '(?<!'], what: 'lookahead and lookbehind' },
  { marks: ['\\1', '\\2', '\\3', '\\k<'], what: 'backreferences' },
  { marks: ['\\u'], what: '\\u escapes (RE2 writes \\x{…})' },
];

/**
 * Compiles a regular expression in RE2 syntax. Matching takes time linear in the value, whatever the
 * expression (CONTRACT section 7: no pattern can take the process down).
 *
 * @throws {PatternError} when the expression is malformed, too large, or needs what RE2 does not have:
 * lookaround and backreferences
 */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_SOURCE_LENGTH) {
    throw new PatternError(
      `the regular expression ${quote(source)} has ${source.length} characters; at most ${MAX_SOURCE_LENGTH} are allowed`,
    );
  }
  const program = compileProgram(source);
  const size = program.programSize();
  if (size > MAX_PROGRAM_SIZE) {
    throw new PatternError(
      `the regular expression ${quote(source)} compiles to ${size} instructions; at most ${MAX_PROGRAM_SIZE} are allowed: use smaller repeat counts`,
    );
  }
  return new Re2Pattern(source, program, size);
}

/**
 * Compiles an I-Regexp (RFC 9485), the regular expressions of JSONPath's `match` and `search`. They differ
 * from RE2 in that an unescaped dot matches neither line feed nor carriage return (RFC 9485 section 5.3).
 *
 * @throws {PatternError} as {@link compilePattern} does
 */
export function compileIRegexp(source: string): Pattern {
  return compilePattern(replaceDots(source));
}

function replaceDots(source: string): string {
  let inClass = false;
  let result = '';
  for (let at = 0; at < source.length; at++) {
    const char = source.charAt(at);
    if (char === '\\') {
      result += char + source.charAt(++at);
      continue;
    }
    if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    result += char === '.' && !inClass ? '[^\\n\\r]' : char;
  }
  return result;
}

class Re2Pattern implements Pattern {
  readonly source: string;
  readonly #program: RE2JS;
  readonly #longestValue: number;

  constructor(source: string, program: RE2JS, size: number) {
    this.source = source;
    this.#program = program;
    this.#longestValue = Math.floor(MAX_TEST_STEPS / size);
  }

  test(value: string): boolean {
    return value.length <= this.#longestValue && this.#program.test(value);
  }

  testWhole(value: string): boolean {
    return value.length <= this.#longestValue && this.#program.testExact(value);
  }

  find(value: string): { start: number; end: number }[] | undefined {
    if (value.length > this.#longestValue) return undefined;
    const found: { start: number; end: number }[] = [];
    const matcher = this.#program.matcher(value);
    while (matcher.find()) {
      const hasGroup = matcher.groupCount() > 0 && matcher.start(1) !== -1;
      const range = { start: matcher.start(hasGroup ? 1 : 0), end: matcher.end(hasGroup ? 1 : 0) };
      if (range.end > range.start) found.push(range);
    }
    return found;
  }
}

function compileProgram(source: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const reason = error.message.replace(/^error parsing regexp: /, '');
    const unsupported = UNSUPPORTED.find(({ marks }) => marks.some((mark) => source.includes(mark)));
    const hint = unsupported === undefined ? '' : `; ${unsupported.what} are not part of it`;
    throw new PatternError(
      `the regular expression ${quote(source)} is not valid RE2 syntax: ${reason}${hint}`,
      {
        cause: error,
      },
    );
  }
}

function quote(source: string): string {
  return JSON.stringify(source.length <= 80 ? source : `${source.slice(0, 80)}…`);
}
