/** Longest text of a value that an explanation shows, in characters. */
const MAX_LENGTH = 200;

/** Most members of a list or object, and levels of them, that are looked at. */
const MAX_MEMBERS = 20;
const MAX_DEPTH = 6;

const HIDDEN = '(hidden)';

/**
 * A value as an explanation shows it: itself where it is short, else the beginning of its text with `…`. Takes
 * bounded time for any value.
 */
export function shownValue(value: unknown): unknown {
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  const text = previewOf(value, 0);
  return text.isWhole && text.json.length <= MAX_LENGTH ? value : cut(text.json);
}

/** In the place of a credential; undefined stays, because that nothing is there is no secret. */
export function hiddenValue(value: unknown): unknown {
  return value === undefined ? undefined : HIDDEN;
}

function cut(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}…`;
}

/** JSON of a value, and whether it is all of it. */
interface Preview {
  readonly json: string;
  readonly isWhole: boolean;
}

function previewOf(value: unknown, depth: number): Preview {
  if (typeof value === 'string') {
    return { json: JSON.stringify(cut(value)), isWhole: value.length <= MAX_LENGTH };
  }
  if (typeof value !== 'object' || value === null) return { json: String(value), isWhole: true };
  const isList = Array.isArray(value);
  const [open, close] = isList ? '[]' : '{}';
  if (depth === MAX_DEPTH) return { json: `${open}…${close}`, isWhole: false };
  const names = isList ? value.keys() : Object.keys(value);
  const parts: string[] = [];
  let length = 0;
  let isWhole = true;
  for (const name of names) {
    if (parts.length === MAX_MEMBERS || length > MAX_LENGTH)
      return { json: `${open}${parts}…`, isWhole: false };
    const member = previewOf(Reflect.get(value, name), depth + 1);
    const json = isList ? member.json : `${JSON.stringify(cut(String(name)))}:${member.json}`;
    isWhole &&= member.isWhole;
    length += json.length;
    parts.push(json);
  }
  return { json: `${open}${parts}${close}`, isWhole };
}
