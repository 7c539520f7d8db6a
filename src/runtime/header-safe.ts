/** Longest label that a header carries, in characters. */
const MAX_LENGTH = 200;

/** A label as a header value: what is not printable ASCII is percent-encoded, so that it cannot end the line. */
export function headerSafe(label: string): string {
  const text = label.replace(/[^\x20-\x7e]+/g, percentEncode).trim();
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 3)}...`;
}

function percentEncode(text: string): string {
  return [...Buffer.from(text, 'utf8')]
    .map((byte) => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`)
    .join('');
}
