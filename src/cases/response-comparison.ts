import { bodyAttribute } from './body.ts';
import { comparableJson } from './comparable-json.ts';
import { type HopDifference, hopDifferences } from './diff/hop-differences.ts';
import { headerNoise, type NoiseKind } from './diff/noise.ts';
import type { Exchange, Failure, RawHeaders, RecordedBody, RecordedResponse } from './exchange.ts';
import { isHopByHop, recordedHeaders } from './headers.ts';
import type { JsonPath } from './json-path.ts';
import { hasPlaceholder, Redactor } from './redaction.ts';
import { isSecretHeader } from './secret-header.ts';
import { ReplaySecrets } from './secrets/replay-secrets.ts';

/** One place where a replayed response is not as the recorded one. */
export interface ResponseDifference {
  /**
   * JSON Pointer into `{status, headers, trailers, body, failure}`; a body in JSON is part of it. Elements of arrays
   * are counted without those that are ignored.
   */
  readonly pointer: string;
  /** As it was recorded; left out where there was none. */
  readonly expected?: unknown;
  /** As it is now; left out where there is none. */
  readonly actual?: unknown;
  /** Lines that differ, where both are long texts. */
  readonly lines?: string;
  /** What it looks like: something that is new with each run. It counts all the same. */
  readonly looksLike?: NoiseKind;
}

export interface ComparisonOptions {
  /** What they select in JSON bodies is not compared; `$` stands for the whole of any body. */
  readonly ignorePaths?: readonly JsonPath[];
  /** Lower-case names. */
  readonly ignoreHeaders?: readonly string[];
  /** Told what the recording hides and the replay shows. */
  readonly secrets?: ReplaySecrets;
}

/** What came instead of, or besides, a response: why it broke off. */
export interface ReplayedAnswer {
  readonly response: RecordedResponse | undefined;
  readonly failure: Failure | undefined;
}

/**
 * Where the answer to a replayed request differs from the recorded one.
 *
 * Not compared: fields of the connection, `date`, `age` and `content-length` (the body is compared), our own
 * `x-softprobe-*`; trace context, and the values of fields that are new with each request by their name
 * (`x-request-id`, `server-timing`, …); the values of what validates a body (`etag`, digests) where a part of that is
 * ignored or hidden; when a cookie ends. What a recording hides has to be there, whatever it is. Values of secret
 * headers are told as placeholders.
 *
 * @throws {JsonPathLimitError} when a path would have to visit too much of a body
 */
export function compareResponses(
  recorded: Exchange,
  { response, failure }: ReplayedAnswer,
  options: ComparisonOptions = {},
): ResponseDifference[] {
  const { secrets = new ReplaySecrets() } = options;
  const expected = recorded.response;
  if (expected === undefined || response === undefined) {
    return told(hopDifferences(recorded, { ...recorded, response, failure }));
  }
  const bodies = comparableBodies(expected, response, options, secrets);
  const headers = comparableHeaders(expected.headers, response.headers, options, secrets, bodies.isPartial);
  const trailers = comparableHeaders(
    expected.trailers,
    response.trailers,
    options,
    secrets,
    bodies.isPartial,
  );
  const side = (of: RecordedResponse, at: 'expected' | 'actual'): Exchange => ({
    ...recorded,
    failure: at === 'actual' ? failure : recorded.failure,
    response: {
      ...of,
      headers: headers[at],
      trailers: trailers[at],
      body: bodies[at],
    },
  });
  return told(hopDifferences(side(expected, 'expected'), side(response, 'actual')));
}

/** The request is the same on both sides: all that differs is of the response. */
function told(differences: readonly HopDifference[]): ResponseDifference[] {
  return differences.map(({ pointer, left, right, lines, noise }) => ({
    pointer: pointer.replace(/^\/response/, ''),
    ...(left !== undefined && { expected: left }),
    ...(right !== undefined && { actual: right }),
    ...(lines !== undefined && { lines }),
    ...(noise !== undefined && { looksLike: noise }),
  }));
}

interface Sides<Value> {
  readonly expected: Value;
  readonly actual: Value;
}

const NOT_COMPARED: ReadonlySet<string> = new Set(['date', 'age', 'content-length']);

function comparableHeaders(
  recorded: RawHeaders,
  replayed: RawHeaders,
  { ignoreHeaders = [] }: ComparisonOptions,
  secrets: ReplaySecrets,
  isBodyPartial: boolean,
): Sides<RawHeaders> {
  const left = recordedHeaders(recorded);
  const right = recordedHeaders(replayed);
  const redactor = new Redactor();
  const expected: string[] = [];
  const actual: string[] = [];
  for (const name of new Set([...left.keys(), ...right.keys()])) {
    if (ignoreHeaders.includes(name) || isNotCompared(name)) continue;
    const before = left.get(name) ?? [];
    const now = valuesAsRecorded(name, before, right.get(name) ?? [], secrets);
    if (before.length > 0 && now.length > 0 && isNewEachTime(name, isBodyPartial)) continue;
    const shown = (value: string) => (isSecretHeader(name) ? redactor.redactHeader(name, value) : value);
    for (const value of inOrder(name, before)) expected.push(name, shown(comparableValue(name, value)));
    for (const value of inOrder(name, now)) actual.push(name, shown(comparableValue(name, value)));
  }
  return { expected, actual };
}

/** Cookies are told apart by their names, and not by the order in which they are set (RFC 6265 section 3). */
function inOrder(lowerName: string, values: readonly string[]): readonly string[] {
  return lowerName === 'set-cookie' ? values.toSorted() : values;
}

function isNotCompared(lowerName: string): boolean {
  if (NOT_COMPARED.has(lowerName) || isHopByHop(lowerName)) return true;
  return lowerName.startsWith('x-softprobe-') || headerNoise(lowerName) === 'trace';
}

function isNewEachTime(lowerName: string, isBodyPartial: boolean): boolean {
  const noise = headerNoise(lowerName);
  // A validator that no longer fits the whole of a body may still be the one of what is compared.
  return noise === 'derived' ? isBodyPartial : noise !== undefined && lowerName !== 'last-modified';
}

/** The replayed values, with the recorded text for each that differs only in what is hidden there. */
function valuesAsRecorded(
  lowerName: string,
  recorded: readonly string[],
  replayed: readonly string[],
  secrets: ReplaySecrets,
): string[] {
  const left = [...recorded];
  return replayed.map((value) => {
    if (lowerName === 'set-cookie') for (const one of recorded) secrets.learnCookie(one, value);
    const at = left.findIndex((one) =>
      secrets.reveals(comparableValue(lowerName, one), comparableValue(lowerName, value)),
    );
    return at === -1 ? value : (left.splice(at, 1)[0] ?? value);
  });
}

/** When a cookie ends is new each time; that it has ended, which deletes it, is not. */
function comparableValue(lowerName: string, value: string): string {
  if (lowerName !== 'set-cookie') return value;
  return value.replace(/;\s*expires=([^;]*)/i, (attribute, time: string) =>
    Date.parse(time) > LONG_AGO ? '; Expires=(later)' : attribute,
  );
}

/** Whoever deletes a cookie gives it a date from the beginning of time. */
const LONG_AGO = Date.UTC(2000);

interface ComparableBodies extends Sides<RecordedBody> {
  /** Is a part of it not compared? */
  readonly isPartial: boolean;
}

const NO_BODY: RecordedBody = { bytes: Buffer.alloc(0), size: 0, truncated: false };

function comparableBodies(
  expected: RecordedResponse,
  actual: RecordedResponse,
  { ignorePaths = [] }: ComparisonOptions,
  secrets: ReplaySecrets,
): ComparableBodies {
  if (ignorePaths.some(({ source }) => source.trim() === '$')) {
    return { expected: NO_BODY, actual: NO_BODY, isPartial: true };
  }
  const recorded = expected.body;
  const replayed = recorded.truncated ? cut(actual, recorded.bytes.length) : actual.body;
  const left = textOf({ ...expected, body: recorded });
  const right = textOf({ ...actual, body: replayed });
  const isPartial = recorded.truncated;
  if (left === undefined || right === undefined) return { expected: recorded, actual: replayed, isPartial };
  const leftJson = parsed(left);
  const rightJson = parsed(right);
  if (leftJson === undefined || rightJson === undefined) {
    if (!hasPlaceholder(left) || !secrets.reveals(left, right)) {
      return { expected: recorded, actual: replayed, isPartial };
    }
    return { expected: recorded, actual: recorded, isPartial: true };
  }
  try {
    const json = comparableJson(leftJson.value, rightJson.value, { ignorePaths, secrets });
    if (!json.isPartial) return { expected: recorded, actual: replayed, isPartial };
    return { expected: bodyOf(json.expected), actual: bodyOf(json.actual), isPartial: true };
  } catch (error) {
    // Nested deeper than the stack: compared as it is, as the texts that they are.
    if (error instanceof RangeError) return { expected: recorded, actual: replayed, isPartial };
    throw error;
  }
}

/** As much of a body as the recording has of its own. */
function cut({ body, headers }: RecordedResponse, length: number): RecordedBody {
  const whole = bodyAttribute(body, headers);
  const bytes = Buffer.from(whole?.value ?? '', whole?.encoding ?? 'utf8');
  return { bytes: bytes.subarray(0, length), size: body.size, truncated: true, decoded: true };
}

function textOf({ body, headers }: RecordedResponse): string | undefined {
  const attribute = bodyAttribute(body, headers);
  return attribute?.encoding === undefined ? attribute?.value : undefined;
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function bodyOf(value: unknown): RecordedBody {
  if (value === undefined) return NO_BODY;
  const bytes = Buffer.from(JSON.stringify(value), 'utf8');
  return { bytes, size: bytes.length, truncated: false, decoded: true };
}
