import { createHmac, randomBytes } from 'node:crypto';
import { asText, plainValue } from './attribute.ts';
import { isJson } from './body.ts';
import type { AnyValue, KeyValue, Span, TracesData } from './documents.generated.ts';
import type { ExtraRedaction } from './exchange.ts';
import { compileJsonPath, type JsonPath } from './json-path.ts';
import { type JsonLocation, replaceInJson } from './json-text.ts';
import { SECRET_HEADERS } from './secret-header.ts';
import { urlWithoutUserinfo } from './url.ts';

export interface RedactorOptions {
  /** Names of further headers and trailers to hide, in any case. */
  readonly headers?: readonly string[];
  /** JSONPaths (RFC 9535) of values to hide in JSON bodies. */
  readonly bodyPaths?: readonly string[];
  /** Key of the placeholders; random unless given. Whoever has it can test guesses at a secret. */
  readonly key?: Uint8Array;
  /** False: hide only what is named, not the headers that are secret by custom. */
  readonly defaults?: boolean;
}

const PLACEHOLDER = /^\[redacted:[0-9a-f]{12}\]$/;

/** Is some of this recorded text a placeholder? */
export function hasPlaceholder(text: string): boolean {
  return text.includes('[redacted:') && /\[redacted:[0-9a-f]{12}\]/.test(text);
}

/** Authentication schemes that people know, most of them registered with IANA; the word is no secret. */
const AUTHENTICATION_SCHEME =
  /^(apikey|aws4-hmac-sha256|basic|bearer|digest|dpop|gnap|hawk|hmac|hoba|jwt|mutual|negotiate|ntlm|oauth|privatetoken|scram-sha-1|scram-sha-256|sharedkey|signature|token|vapid) +(.+)$/is;

const FIELD_KEY = /^http\.(?:request|response)\.(?:header|trailer)\.(.+)$/s;

/** Attributes that may hold a URL or an authority with a user name and a password in it. */
const URL_KEYS: ReadonlySet<string> = new Set(['url.full', 'http.url', 'http.target', 'url.path']);
const AUTHORITY_KEYS: ReadonlySet<string> = new Set([
  'url.host',
  'http.host',
  'http.request.header.host',
  'http.request.header.:authority',
]);

/**
 * Replaces secrets in spans by placeholders, `[redacted:0f1e2d3c4b5a]`. Within one capture, which is the life
 * of one redactor, the same secret always gives the same placeholder, so that one can still see which
 * requests shared a token; the key is random and forgotten, so that nobody can compute or guess it back.
 * What is redacted already stays as it is.
 */
export class Redactor {
  readonly #headers: ReadonlySet<string>;
  readonly #bodyPaths: readonly JsonPath[];
  readonly #key: Uint8Array;
  /** Paths of rules, compiled once. */
  readonly #compiled = new Map<string, JsonPath>();

  /** @throws {JsonPathSyntaxError} when a body path is not a JSONPath */
  constructor(options: RedactorOptions = {}) {
    const named = (options.headers ?? []).map((name) => name.toLowerCase());
    this.#headers = new Set(options.defaults === false ? named : [...SECRET_HEADERS, ...named]);
    this.#bodyPaths = (options.bodyPaths ?? []).map((path) => this.#compile(path));
    this.#key = options.key ?? randomBytes(32);
  }

  /** The placeholder of a secret. */
  placeholder(secret: string): string {
    if (PLACEHOLDER.test(secret)) return secret;
    const digest = createHmac('sha256', this.#key).update(secret).digest('hex');
    return `[redacted:${digest.slice(0, 12)}]`;
  }

  /**
   * A copy of an OTLP payload in which every span is redacted.
   *
   * @param extra what to hide besides, for this payload only
   * @throws {JsonPathSyntaxError} when a body path of `extra` is not a JSONPath
   */
  redactTraces(traces: TracesData, extra?: ExtraRedaction): TracesData {
    return {
      ...traces,
      resourceSpans: traces.resourceSpans.map((resourceSpans) => ({
        ...resourceSpans,
        ...(resourceSpans.scopeSpans && {
          scopeSpans: resourceSpans.scopeSpans.map((scopeSpans) => ({
            ...scopeSpans,
            ...(scopeSpans.spans && { spans: scopeSpans.spans.map((span) => this.redactSpan(span, extra)) }),
          })),
        }),
      })),
    };
  }

  /** As {@link redactTraces}, for one span. */
  redactSpan(span: Span, extra?: ExtraRedaction): Span {
    if (span.attributes === undefined) return span;
    const extraHeaders = new Set(extra?.headers.map((name) => name.toLowerCase()));
    const attributes = span.attributes.map((attribute) => this.#redactAttribute(attribute, extraHeaders));
    const paths = [...this.#bodyPaths, ...(extra?.bodyPaths ?? []).map((path) => this.#compile(path))];
    return {
      ...span,
      attributes:
        paths.length === 0
          ? attributes
          : this.#redactBody(this.#redactBody(attributes, 'request', paths), 'response', paths),
    };
  }

  #compile(path: string): JsonPath {
    let compiled = this.#compiled.get(path);
    if (compiled === undefined) {
      compiled = compileJsonPath(path);
      this.#compiled.set(path, compiled);
    }
    return compiled;
  }

  #redactAttribute(attribute: KeyValue, extraHeaders: ReadonlySet<string>): KeyValue {
    const { key, value } = attribute;
    const name = FIELD_KEY.exec(key)?.[1]?.toLowerCase();
    if (name !== undefined && (this.#headers.has(name) || extraHeaders.has(name))) {
      return { ...attribute, value: this.#redactField(name, value) };
    }
    if (value?.stringValue === undefined) return attribute;
    if (URL_KEYS.has(key)) {
      return { ...attribute, value: { ...value, stringValue: urlWithoutUserinfo(value.stringValue) } };
    }
    if (AUTHORITY_KEYS.has(key) && value.stringValue.includes('@')) {
      const host = value.stringValue.slice(value.stringValue.lastIndexOf('@') + 1);
      return { ...attribute, value: { ...value, stringValue: host } };
    }
    return attribute;
  }

  #redactField(name: string, value: AnyValue | undefined): AnyValue {
    if (value?.arrayValue?.values !== undefined) {
      const values = value.arrayValue.values.map((item) => this.#redactField(name, item));
      return { ...value, arrayValue: { ...value.arrayValue, values } };
    }
    const text = asText(plainValue(value)) ?? JSON.stringify(value ?? null);
    return { stringValue: this.redactHeader(name, text) };
  }

  /**
   * The value of a secret header with its secret parts hidden: cookies keep names and attributes, and
   * credentials the word that says their scheme. An empty value hides nothing.
   *
   * @param lowerName name of the header, in lower case
   */
  redactHeader(lowerName: string, value: string): string {
    if (value === '') return value;
    switch (lowerName) {
      case 'cookie':
        return value
          .split(';')
          .map((pair) => this.#redactCookiePair(pair))
          .join(';');
      case 'set-cookie': {
        const [pair = '', ...attributes] = value.split(';');
        return [this.#redactCookiePair(pair), ...attributes].join(';');
      }
      case 'authorization':
      case 'proxy-authorization': {
        const [, scheme, credentials] = AUTHENTICATION_SCHEME.exec(value) ?? [];
        return scheme === undefined || credentials === undefined
          ? this.placeholder(value)
          : `${scheme} ${this.placeholder(credentials)}`;
      }
      default:
        return this.placeholder(value);
    }
  }

  #redactCookiePair(pair: string): string {
    const secret = pair.slice(pair.indexOf('=') + 1).trim();
    // Without a `=` it is a value without a name (RFC 6265 section 5.2 and browsers since).
    return secret === '' ? pair : pair.slice(0, pair.lastIndexOf(secret)) + this.placeholder(secret);
  }

  #redactBody(
    attributes: readonly KeyValue[],
    message: 'request' | 'response',
    paths: readonly JsonPath[],
  ): KeyValue[] {
    const key = `http.${message}.body`;
    const text = (name: string) => asText(plainValue(attributes.find((item) => item.key === name)?.value));
    const body = text(key);
    if (body === undefined || body === '') return [...attributes];
    const isBase64 = text(`${key}.encoding`) === 'base64';
    const source = isBase64 ? Buffer.from(body, 'base64').toString('utf8') : body;
    const contentType = text(`http.${message}.header.content-type`) ?? '';
    const redacted = this.#redactJson(source, paths, isJson(contentType));
    if (redacted === source) return [...attributes];
    return attributes
      .filter((item) => item.key !== `${key}.encoding`)
      .map((item) => (item.key === key ? { ...item, value: { stringValue: redacted } } : item));
  }

  /**
   * @param isDeclared the message says that it is JSON. When it then is not (cut off, say) or takes too long to
   * search, the secret may be anywhere in it: all of it is hidden.
   */
  #redactJson(source: string, paths: readonly JsonPath[], isDeclared: boolean): string {
    if (PLACEHOLDER.test(source)) return source;
    let value: unknown;
    try {
      value = JSON.parse(source);
    } catch {
      return isDeclared ? this.placeholder(source) : source;
    }
    const locations: JsonLocation[] = [];
    try {
      for (const path of paths) {
        for (const { location } of path.select(value)) locations.push(location);
      }
    } catch {
      return this.placeholder(source);
    }
    if (locations.length === 0) return source;
    return replaceInJson(source, locations, (json) => {
      const secret: unknown = JSON.parse(json);
      return JSON.stringify(this.placeholder(typeof secret === 'string' ? secret : json));
    });
  }
}
