import { SoftprobeError } from './softprobe-error.ts';

/** Text that is not JSON. Line and column count from 1; the column counts UTF-16 code units. */
export class JsonSyntaxError extends SoftprobeError {
  override readonly name = 'JsonSyntaxError';
  readonly line: number;
  readonly column: number;

  constructor(text: string, offset: number, expected: string) {
    const before = text.slice(0, offset);
    const line = before.split('\n').length;
    const column = offset - before.lastIndexOf('\n');
    const found = offset >= text.length ? 'the end of the text' : JSON.stringify(characterAt(text, offset));
    super(`not valid JSON at line ${line}, column ${column}: expected ${expected}, found ${found}`);
    this.line = line;
    this.column = column;
  }
}

function characterAt(text: string, offset: number): string {
  return String.fromCodePoint(text.codePointAt(offset) ?? 0);
}

/** Where a value stands in a document: member names and array indexes from the root down. */
export type JsonLocation = readonly (string | number)[];

/**
 * `JSON.parse` with errors that say where: V8's own messages leave the place out for most mistakes.
 *
 * @throws {JsonSyntaxError}
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    walkJson(text, () => {});
    throw error; // V8 sees a mistake that the walk does not: its own words are the best there are
  }
}

/**
 * Replaces the values at these locations and leaves every other character of the document as it is. Where a
 * member name comes twice in an object, both are replaced.
 *
 * @param replace is given the source text of a value and returns the text to put there
 * @throws {JsonSyntaxError} when the text is not JSON
 */
export function replaceInJson(
  text: string,
  locations: readonly JsonLocation[],
  replace: (source: string) => string,
): string {
  const wanted = new Set(locations.map((location) => JSON.stringify(location)));
  const depths = new Set(locations.map((location) => location.length));
  const ranges: { start: number; end: number }[] = [];
  walkJson(text, (path, start, end) => {
    if (!depths.has(path.length) || !wanted.has(JSON.stringify(path))) return;
    // A value comes after those inside it: they go with it.
    while ((ranges.at(-1)?.start ?? -1) >= start) ranges.pop();
    ranges.push({ start, end });
  });
  let replaced = '';
  let at = 0;
  for (const { start, end } of ranges) {
    replaced += text.slice(at, start) + replace(text.slice(start, end));
    at = end;
  }
  return replaced + text.slice(at);
}

interface OpenContainer {
  readonly start: number;
  readonly closer: '}' | ']';
}

/**
 * Calls `visit` with location and extent of every value, inner ones first. Does not recurse.
 *
 * @throws {JsonSyntaxError} when the text is not JSON; what stood before the mistake has been visited
 */
export function walkJson(
  text: string,
  visit: (path: readonly (string | number)[], start: number, end: number) => void,
): void {
  const path: (string | number)[] = [];
  const open: OpenContainer[] = [];
  let at = skipSpace(text, 0);
  for (;;) {
    // A value begins here.
    const start = at;
    const opener = text[at];
    if (opener === '{' || opener === '[') {
      const closer = opener === '{' ? '}' : ']';
      at = skipSpace(text, at + 1);
      if (text[at] !== closer) {
        open.push({ start, closer });
        path.push(0);
        if (closer === '}') at = readKey(text, at, path);
        continue;
      }
      at++;
    } else {
      at = scalarEnd(text, at);
    }
    visit(path, start, at);

    // A value has ended here: close what closes with it, then go on to the next one.
    for (;;) {
      at = skipSpace(text, at);
      const container = open.at(-1);
      if (container === undefined) {
        if (at < text.length) throw new JsonSyntaxError(text, at, 'nothing more');
        return;
      }
      if (text[at] === ',') {
        at = skipSpace(text, at + 1);
        if (container.closer === '}') at = readKey(text, at, path);
        else path[path.length - 1] = Number(path.at(-1)) + 1;
        break;
      }
      if (text[at] !== container.closer) {
        throw new JsonSyntaxError(text, at, `"," or "${container.closer}"`);
      }
      at++;
      open.pop();
      path.pop();
      visit(path, container.start, at);
    }
  }
}

/** Reads `"name":` into the last place of the path; returns where the value begins. */
function readKey(text: string, at: number, path: (string | number)[]): number {
  if (text[at] !== '"') throw new JsonSyntaxError(text, at, 'a member name in double quotes');
  const end = stringEnd(text, at);
  path[path.length - 1] = JSON.parse(text.slice(at, end)) as string;
  const colon = skipSpace(text, end);
  if (text[colon] !== ':') throw new JsonSyntaxError(text, colon, '":"');
  return skipSpace(text, colon + 1);
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return at;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;

function scalarEnd(text: string, at: number): number {
  if (text[at] === '"') return stringEnd(text, at);
  for (const word of ['true', 'false', 'null']) {
    if (text.startsWith(word, at)) return at + word.length;
  }
  NUMBER.lastIndex = at;
  if (NUMBER.test(text)) return NUMBER.lastIndex;
  throw new JsonSyntaxError(text, at, 'a value');
}

const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function stringEnd(text: string, start: number): number {
  let at = start + 1;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code === 0x5c) {
      ESCAPE.lastIndex = at;
      if (!ESCAPE.test(text)) throw new JsonSyntaxError(text, at, 'an escape sequence of JSON');
      at = ESCAPE.lastIndex;
    } else if (Number.isNaN(code) || code < 0x20) {
      throw new JsonSyntaxError(text, at, 'the rest of a string');
    } else {
      at++;
    }
  }
}
