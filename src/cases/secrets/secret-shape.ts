import type { Range } from './placeholder.ts';

/** A secret that is known by what it looks like. */
export interface FoundShape extends Range {
  /** Which kind of secret it is, in a word or two for people and programs: `github-token`. */
  readonly kind: string;
}

interface Shape {
  readonly kind: string;
  /** Its first group, if it has one, is the secret. Takes linear time: every repeat begins behind its own class. */
  readonly pattern: RegExp;
  readonly isSecret?: (text: string) => boolean;
}

/** As their issuers document them, prefix and length. */
const SHAPES: readonly Shape[] = [
  {
    kind: 'private-key',
    pattern:
      /-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----[\w+/=\s\\:,.-]*(?:-----END (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----)?/dg,
  },
  // A JWS or JWE: its header is JSON, hence `{"` in base64url (RFC 7515 section 3, RFC 7516 section 3).
  { kind: 'jwt', pattern: /(?<![\w-])eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]{4,}(?:\.[\w-]*){0,2}/dg },
  { kind: 'jwt', pattern: /(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{2,}\.(?![\w-])/dg },
  { kind: 'aws-access-key', pattern: /(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}(?![A-Za-z0-9])/dg },
  { kind: 'github-token', pattern: /(?<![A-Za-z0-9])gh[pousr]_[A-Za-z0-9]{36,255}/dg },
  { kind: 'github-token', pattern: /(?<![A-Za-z0-9])github_pat_\w{22,255}/dg },
  { kind: 'gitlab-token', pattern: /(?<![A-Za-z0-9])gl(?:pat|dt|rt|cbt|ptt|soat)-[\w-]{20,255}/dg },
  { kind: 'slack-token', pattern: /(?<![A-Za-z0-9])xox[abceoprs]-[A-Za-z0-9-]{10,255}/dg },
  { kind: 'slack-token', pattern: /(?<![A-Za-z0-9])xapp-\d-[A-Za-z0-9-]{10,255}/dg },
  { kind: 'slack-webhook', pattern: /hooks\.slack\.com\/(?:services|workflows)\/([\w/-]{20,255})/dg },
  { kind: 'stripe-key', pattern: /(?<![A-Za-z0-9])(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,255}/dg },
  { kind: 'stripe-key', pattern: /(?<![A-Za-z0-9])whsec_[A-Za-z0-9+/=]{20,255}/dg },
  { kind: 'google-key', pattern: /(?<![\w-])AIza[\w-]{35}(?![\w-])/dg },
  { kind: 'google-token', pattern: /(?<![\w-])ya29\.[\w-]{20,4096}/dg },
  { kind: 'npm-token', pattern: /(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])/dg },
  { kind: 'pypi-token', pattern: /(?<![A-Za-z0-9])pypi-AgE[\w-]{30,4096}/dg },
  { kind: 'sendgrid-key', pattern: /(?<![\w-])SG\.[\w-]{16,64}\.[\w-]{16,128}/dg },
  {
    kind: 'api-key',
    pattern: /(?<![\w-])sk-(?:[a-z]{2,10}-)?[\w-]{20,255}/dg,
    isSecret: (text) => isRandom(text),
  },
  {
    kind: 'url-credentials',
    pattern: /(?<![A-Za-z0-9+.-])[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@"'<>\\]{0,255}:([^\s/@"'<>\\]{1,255})@/dgi,
  },
  {
    kind: 'bearer-credentials',
    pattern: /(?<![\w-])bearer +([\w.~+/-]{12,8192}=*)/dgi,
    isSecret: (text) => isRandom(text),
  },
  {
    kind: 'basic-credentials',
    pattern: /(?<![\w-])basic +([A-Za-z0-9+/_-]{6,8192}={0,2})/dgi,
    // RFC 7617 section 2: user name, colon, password.
    isSecret: (text) => /^[^\p{Cc}:]*:\P{Cc}*$/u.test(Buffer.from(text, 'base64').toString('utf8')),
  },
];

/** All secrets of known shape in a text, in no order; they may overlap. */
export function findShapes(text: string): FoundShape[] {
  const found: FoundShape[] = [];
  for (const { kind, pattern, isSecret } of SHAPES) {
    for (const match of text.matchAll(pattern)) {
      const [start, end] = match.indices?.[1] ?? match.indices?.[0] ?? [0, 0];
      if (end > start && (isSecret?.(text.slice(start, end)) ?? true)) found.push({ kind, start, end });
    }
  }
  return found;
}

/** Names under which secrets are kept. Tokens of pagination are none. */
const SECRET_NAME =
  /pass(?:word|wd|phrase|code)|secret|token|credential|authorization|bearer|(?:api|access|private|client|signing|encryption|account)[-_. ]?key|(?:^|[-_.])(?:pwd|auth|jwt)$/i;
const HARMLESS_NAME = /page|next|continuation|cursor|max|count|type|expires|endpoint|uri|url|length|^sp\./i;

/** May a value of this name give access to something? */
export function isSecretName(name: string): boolean {
  return name.length <= 200 && SECRET_NAME.test(name) && !HARMLESS_NAME.test(name);
}

/** Does this name say that its value is secret, and has the value enough of chance in it to be one? */
export function isNamedSecret(name: string, value: string): boolean {
  if (!isSecretName(name)) return false;
  return /pass|pwd/i.test(name) ? isRandom(value, MIN_PASSWORD) : isRandom(value);
}

/** Fewest characters, and bits of entropy for each of them: of what a machine made, and of what people make up. */
const MIN_TOKEN = { length: 12, entropy: 3 };
const MIN_PASSWORD = { length: 8, entropy: 2 };

/** Looks as if made by chance: letters and digits mixed, or upper and lower case, and hardly any repeats. */
export function isRandom(text: string, least: { length: number; entropy: number } = MIN_TOKEN): boolean {
  if (text.length < least.length || /\s/.test(text) || /^(?:[a-z][a-z0-9+.-]*:\/\/|\/)/i.test(text))
    return false;
  const classes = [/[a-z]/, /[A-Z]/, /\d/].filter((characters) => characters.test(text)).length;
  return classes >= 2 && entropyOf(text) >= least.entropy;
}

/** Shannon entropy in bits a character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let entropy = 0;
  for (const count of counts.values()) entropy -= (count / text.length) * Math.log2(count / text.length);
  return entropy;
}
