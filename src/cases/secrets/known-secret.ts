import type { Range } from './placeholder.ts';

/** Shorter texts stand everywhere by chance. */
export const MIN_SECRET_LENGTH = 6;

/** A secret that somebody named, in the forms in which it may stand in a text. */
export class KnownSecrets {
  readonly #forms: readonly { readonly text: string; readonly isBase64: boolean }[];

  /** @param secrets each of at least {@link MIN_SECRET_LENGTH} characters */
  constructor(secrets: readonly string[]) {
    this.#forms = secrets.flatMap((secret) => [
      ...[...new Set(plainForms(secret))].map((text) => ({ text, isBase64: false })),
      ...[...new Set(base64Forms(secret))].map((text) => ({ text, isBase64: true })),
    ]);
  }

  /** Where they stand. In base64 the whole run of it is meant, which has other characters of the same octets. */
  find(text: string): Range[] {
    return this.#forms.flatMap((form) => {
      const found: Range[] = [];
      for (let at = text.indexOf(form.text); at !== -1; at = text.indexOf(form.text, at + form.text.length)) {
        const range = { start: at, end: at + form.text.length };
        found.push(form.isBase64 ? runAround(text, range) : range);
      }
      return found;
    });
  }
}

function plainForms(secret: string): string[] {
  const escaped = encodeURIComponent(secret);
  const hex = Buffer.from(secret, 'utf8').toString('hex');
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    escaped,
    escaped.replace(/%../g, (octet) => octet.toLowerCase()),
    escaped.replaceAll('%20', '+'),
    hex,
    hex.toUpperCase(),
  ];
}

/**
 * Three octets are four characters, so that the same octets look different after 0, 1 or 2 others; of each form
 * those characters that depend on nothing else.
 */
function base64Forms(secret: string): string[] {
  const octets = Buffer.from(secret, 'utf8');
  return [0, 1, 2].flatMap((before) => {
    const coded = Buffer.concat([Buffer.alloc(before), octets]);
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor((coded.length * 8) / 6);
    return [coded.toString('base64').slice(from, to), coded.toString('base64url').slice(from, to)];
  });
}

function runAround(text: string, range: Range): Range {
  let { start, end } = range;
  while (start > 0 && isBase64Character(text.charCodeAt(start - 1))) start -= 1;
  while (end < text.length && isBase64Character(text.charCodeAt(end))) end += 1;
  return { start, end };
}

function isBase64Character(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) || // a-z
    (code >= 0x41 && code <= 0x5a) || // A-Z
    (code >= 0x2f && code <= 0x39) || // / and 0-9
    code === 0x2b || // +
    code === 0x2d || // -
    code === 0x5f || // _
    code === 0x3d // =
  );
}
