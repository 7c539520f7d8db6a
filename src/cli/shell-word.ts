/** One word for a POSIX shell, whatever is in the text: in single quotes where any character needs them. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  // Nothing is special between single quotes but the quote itself, which needs a word end, an escape, a new start.
  return `'${text.replaceAll("'", "'\\''")}'`;
}
