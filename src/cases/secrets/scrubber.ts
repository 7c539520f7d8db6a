import type { AnyValue, CaseDocument, KeyValue, ScrubRules, Span } from '../documents.generated.ts';
import { IssueList, pointerTo } from '../issue-list.ts';
import { compileJsonPath } from '../json-path.ts';
import { compilePattern, type Pattern } from '../pattern.ts';
import { Redactor } from '../redaction.ts';
import type { ValidationIssue } from '../validation.ts';
import { MIN_SECRET_LENGTH } from './known-secret.ts';
import { isHidden, type Range } from './placeholder.ts';
import { type FoundSecret, SecretSearch } from './secret-search.ts';

/** A secret in a case. It is never told itself. */
export interface SecretFinding {
  /** JSON Pointer to the text that has it. */
  readonly pointer: string;
  /** `secret-header`, `body-path`, `pattern`, `known-secret`, `named-value`, or as its issuer calls it: `jwt`. */
  readonly kind: string;
  /** What has to be undone to read it, from the outside in: `base64`, `gzip`, `url`, `json`, `hex`. */
  readonly encoding: readonly string[];
}

/** A case without its secrets, and what they were. */
export interface ScrubbedCase {
  readonly document: CaseDocument;
  /** In the order of the case, empty where there was nothing to hide: `document` then is the same as before. */
  readonly findings: readonly SecretFinding[];
}

/** Rules that cannot be followed. `issues` is never empty. */
export class InvalidScrubRulesError extends Error {
  override readonly name = 'InvalidScrubRulesError';
  readonly issues: readonly ValidationIssue[];

  constructor(issues: readonly ValidationIssue[]) {
    const [first] = issues;
    super(`the rules for scrubbing cannot be followed: ${first?.pointer ?? ''} ${first?.message ?? ''}`);
    this.issues = issues;
  }
}

/** Members whose text is the frame of a case and no content of it: without them nothing would fit together. */
const FRAME: ReadonlySet<string> = new Set([
  'version',
  'traceId',
  'spanId',
  'parentSpanId',
  'startTimeUnixNano',
  'endTimeUnixNano',
  'intValue',
]);

/** A replacement may bring a pattern's next match about, but each takes away text that is not yet hidden. */
const MAX_ROUNDS = 10;

/** Finds what is secret in cases, and replaces it by placeholders. */
export class Scrubber {
  readonly #redactor: Redactor;
  readonly #patterns: readonly Pattern[];
  readonly #search: SecretSearch;

  /**
   * @param secrets values that are secret, of at least six characters, to be found in any encoding
   * @throws {InvalidScrubRulesError} when a JSONPath or a pattern of the rules is not valid
   */
  constructor(rules: ScrubRules = {}, secrets: readonly string[] = []) {
    const found = new IssueList();
    for (const [index, path] of (rules.redactBodyPaths ?? []).entries()) {
      found.attempt(pointerTo('redactBodyPaths', index), () => compileJsonPath(path));
    }
    this.#patterns = (rules.redactPatterns ?? []).flatMap((pattern, index) =>
      found.attempt(pointerTo('redactPatterns', index), () => compilePattern(pattern)),
    );
    if (found.issues.length > 0) throw new InvalidScrubRulesError(found.issues);
    this.#search = new SecretSearch({ secrets, shapes: rules.defaults !== false });
    this.#redactor = new Redactor({
      headers: rules.redactHeaders ?? [],
      bodyPaths: rules.redactBodyPaths ?? [],
      defaults: rules.defaults !== false,
    });
  }

  /**
   * The case with placeholders in the place of secrets. What hides nothing new is the same object as before.
   *
   * @param onTrace is told how many traces are done; large cases take seconds
   * @throws {RangeError} when it is nested too deeply for the stack
   */
  scrub(document: CaseDocument, onTrace: (done: number) => void = () => {}): ScrubbedCase {
    const findings: SecretFinding[] = [];
    const scrubbed = Object.fromEntries(
      Object.entries(document).map(([key, member]) => [
        this.#scrubName(key, [], findings),
        key === 'traces'
          ? document.traces.map((trace, index) => {
              const hidden = this.#scrubMember(trace, [key, index], findings);
              onTrace(index + 1);
              return hidden;
            })
          : this.#scrubMember(member, [key], findings),
      ]),
    );
    return { document: findings.length === 0 ? document : (scrubbed as unknown as CaseDocument), findings };
  }

  /** @param path where the value stands; it is only read while this call lasts */
  #scrubMember(value: unknown, path: (string | number)[], findings: SecretFinding[]): unknown {
    const name = path.at(-1) ?? '';
    if (typeof value === 'string') {
      return FRAME.has(String(name))
        ? value
        : this.#scrubText(value, String(name), pointerTo(...path), findings);
    }
    if (Array.isArray(value)) {
      const isSpans = name === 'spans' && path[0] === 'traces';
      return value.map((item: unknown, index) => {
        const place = [...path, index];
        if (isSpans && isObject(item)) return this.#scrubSpan(item as Span, place, findings);
        return this.#scrubMember(item, place, findings);
      });
    }
    if (!isObject(value)) return value;
    if (typeof value.key === 'string' && isObject(value.value)) {
      return this.#scrubAttribute(value as KeyValue, path, findings);
    }
    // `fromEntries` defines own properties whatever their names are.
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        this.#scrubName(key, path, findings),
        this.#scrubMember(member, [...path, key], findings),
      ]),
    );
  }

  /**
   * A name may be a secret as well; then it is its owner that is told. Patterns are not meant for names: one that
   * matches any text would leave nothing of the case.
   */
  #scrubName(name: string, path: readonly (string | number)[], findings: SecretFinding[]): string {
    if (name.length < MIN_SECRET_LENGTH) return name;
    const found = this.#search.find(name);
    if (found.length === 0) return name;
    const pointer = this.#withoutSecrets(pointerTo(...path));
    for (const { kind, encoding } of found) findings.push({ pointer, kind, encoding });
    return this.#hide(name, found);
  }

  #scrubSpan(span: Span, path: (string | number)[], findings: SecretFinding[]): unknown {
    const redacted = this.#redactor.redactSpan(span);
    const after = new Map((redacted.attributes ?? []).map(({ key, value }) => [key, value]));
    for (const [index, { key, value }] of (span.attributes ?? []).entries()) {
      const isSame = !after.has(key) || JSON.stringify(after.get(key)) === JSON.stringify(value);
      if (!isSame) {
        const pointer = pointerTo(...path, 'attributes', index, 'value');
        findings.push({ pointer, kind: kindOfRedacted(key), encoding: [] });
      }
    }
    return this.#scrubMember(redacted, path, findings);
  }

  /** An attribute's key names its value, and a body in base64 is looked into as a whole. */
  #scrubAttribute(
    attribute: KeyValue,
    path: readonly (string | number)[],
    findings: SecretFinding[],
  ): KeyValue {
    const place = [...path, 'value'];
    return {
      ...attribute,
      key: this.#scrubName(attribute.key, [...path, 'key'], findings),
      value: this.#scrubValue(attribute.value ?? {}, attribute.key, place, findings),
    };
  }

  #scrubValue(
    value: AnyValue,
    name: string,
    path: readonly (string | number)[],
    findings: SecretFinding[],
  ): AnyValue {
    if (value.stringValue !== undefined) {
      const pointer = pointerTo(...path, 'stringValue');
      const field = /^http\.(?:request|response)\.(?:header|trailer)\.(.+)$/s.exec(name)?.[1];
      return { ...value, stringValue: this.#scrubText(value.stringValue, field ?? name, pointer, findings) };
    }
    if (value.arrayValue?.values !== undefined) {
      const values = value.arrayValue.values.map((item, index) =>
        this.#scrubValue(item, name, [...path, 'arrayValue', 'values', index], findings),
      );
      return { ...value, arrayValue: { ...value.arrayValue, values } };
    }
    return this.#scrubMember(value, [...path], findings) as AnyValue;
  }

  #scrubText(text: string, name: string, pointer: string, findings: SecretFinding[]): string {
    let scrubbed = text;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const found = this.#find(scrubbed, name);
      if (found.length === 0) break;
      // What a replacement brought about is not another finding.
      if (round === 0) {
        const place = this.#withoutSecrets(pointer);
        for (const { kind, encoding } of found) findings.push({ pointer: place, kind, encoding });
      }
      scrubbed = this.#hide(scrubbed, found);
    }
    return scrubbed;
  }

  /** A place is made of names, and names may be secrets. */
  #withoutSecrets(pointer: string): string {
    const found = this.#search.find(pointer);
    return found.length === 0 ? pointer : this.#hide(pointer, found);
  }

  #find(text: string, name: string): FoundSecret[] {
    const found = this.#search.find(text, name);
    for (const pattern of this.#patterns) {
      // Too long to be searched in bounded time: the secret may be anywhere in it.
      const ranges = pattern.find(text) ?? [{ start: 0, end: text.length }];
      for (const range of ranges) {
        if (!isHidden(text, range)) found.push({ ...range, kind: 'pattern', encoding: [] });
      }
    }
    return found;
  }

  #hide(text: string, found: readonly FoundSecret[]): string {
    // Base64 is what the readers of a body in base64 expect.
    const isAllBase64 = (range: FoundSecret) =>
      range.encoding[0] === 'base64' && range.start === 0 && range.end === text.length;
    let hidden = '';
    let at = 0;
    for (const range of merged(found)) {
      const secret = text.slice(range.start, range.end);
      const placeholder = found.some(isAllBase64)
        ? this.#hideInBase64(secret)
        : this.#redactor.placeholder(secret);
      hidden += text.slice(at, range.start) + placeholder;
      at = range.end;
    }
    return hidden + text.slice(at);
  }

  /** Text that was encoded loses only its secrets; of anything else nothing is left. */
  #hideInBase64(coded: string): string {
    const octets = Buffer.from(coded, 'base64');
    const text = octets.toString('utf8');
    const found = Buffer.from(text, 'utf8').equals(octets) ? this.#find(text, '') : [];
    const hidden = found.length > 0 ? this.#hide(text, found) : this.#redactor.placeholder(coded);
    return Buffer.from(hidden, 'utf8').toString('base64');
  }
}

function kindOfRedacted(key: string): string {
  if (/^http\.(?:request|response)\.body$/.test(key)) return 'body-path';
  return /\.(?:header|trailer)\.(?!host$|:authority$)/.test(key) ? 'secret-header' : 'url-credentials';
}

function merged(ranges: readonly Range[]): Range[] {
  const result: Range[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last === undefined || start >= last.end) result.push({ start, end });
    else result[result.length - 1] = { start: last.start, end: Math.max(last.end, end) };
  }
  return result;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
