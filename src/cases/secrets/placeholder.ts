/** What stands in the place of a secret: `[redacted:0f1e2d3c4b5a]`. */
const PLACEHOLDERS = /\[redacted:[0-9a-f]{12}\]/g;

/** A part of a text. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The text with every placeholder blanked out, so that none is taken for a secret; places stay where they are. */
export function withoutPlaceholders(text: string): string {
  return text.includes('[redacted:')
    ? text.replace(PLACEHOLDERS, (placeholder) => ' '.repeat(placeholder.length))
    : text;
}

/** Does this part of the text hide nothing, because all of it is placeholders? */
export function isHidden(text: string, { start, end }: Range): boolean {
  return withoutPlaceholders(text).slice(start, end).trim() === '';
}
