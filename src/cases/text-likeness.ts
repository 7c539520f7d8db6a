/** Characters that are compared: a path that differs only beyond them is near enough. */
const MAX_COMPARED = 1000;

/**
 * How much two texts have in common, from 0 to 1: what they share at the beginning and at the end, of the
 * longer one's length. One slip of the pen, wherever it is, costs little; and it takes linear time, where an
 * edit distance would take the product of the lengths.
 */
export function commonShare(left: string, right: string): number {
  const longer = Math.min(Math.max(left.length, right.length), MAX_COMPARED);
  if (longer === 0) return 1;
  const shorter = Math.min(left.length, right.length, MAX_COMPARED);
  const start = commonStart(left, right, shorter);
  return Math.min(start + commonEnd(left, right, shorter - start), longer) / longer;
}

function commonStart(left: string, right: string, limit: number): number {
  let length = 0;
  while (length < limit && left.charCodeAt(length) === right.charCodeAt(length)) length++;
  return length;
}

function commonEnd(left: string, right: string, limit: number): number {
  let length = 0;
  while (
    length < limit &&
    left.charCodeAt(left.length - 1 - length) === right.charCodeAt(right.length - 1 - length)
  ) {
    length++;
  }
  return length;
}

/** Characters on either side of a difference that are worth showing. */
const CONTEXT = 20;

/** From here on the eye does not find a difference by itself. */
const LONG = 40;

/** In what two texts differ, where it is easily overlooked; undefined where it is plain to see. */
export function describeDifference(expected: string, actual: string): string | undefined {
  if (expected.toLowerCase() === actual.toLowerCase()) return 'only upper and lower case differ';
  if (expected === `${actual}/`) return 'only the slash at the end is missing';
  if (`${expected}/` === actual) return 'only the slash at the end is too much';
  if (decoded(expected) === decoded(actual)) return 'only the percent-encoding differs; it counts';
  const shorter = Math.min(expected.length, actual.length);
  const start = commonStart(expected, actual, shorter);
  if (start < LONG) return undefined;
  const part = (text: string) => JSON.stringify(text.slice(start, start + CONTEXT));
  return `the first ${start} characters agree; then ${part(expected)} is expected, not ${part(actual)}`;
}

/** Undefined where the text is not percent-encoded UTF-8, which is then different from every other. */
function decoded(text: string): string | symbol {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return Symbol('not decodable');
    throw error;
  }
}
