import { createHash } from 'node:crypto';
import { type BodyText, bodyAttribute, isJson } from '../body.ts';
import type { Exchange, RawHeaders, RecordedBody } from '../exchange.ts';
import { headerValue, recordedHeaders } from '../headers.ts';
import { pointerTo } from '../issue-list.ts';
import { isSecretHeader } from '../secret-header.ts';
import { jsonDifferences } from './json-difference.ts';
import { asItIs, denoise, headerNoise, type NoiseKind, noiseBetween, type Reading } from './noise.ts';
import { textDifference } from './text-difference.ts';

/** One place where two recordings of the same hop differ. */
export interface HopDifference {
  /**
   * JSON Pointer into `{request:{host, path, query, headers, body}, response:{status, headers, trailers, body},
   * failure}`; bodies in JSON are part of it, and so are the fields of forms.
   */
  readonly pointer: string;
  /** Left out where there is none. */
  readonly left?: unknown;
  readonly right?: unknown;
  /** Lines that differ, where both are long texts; `left` and `right` then say their sizes. */
  readonly lines?: string;
  /** Why it means nothing, if so. */
  readonly noise?: NoiseKind;
  /** True for a parameter of a form, which no JSONPath selects. */
  readonly isFormParameter?: true;
}

/**
 * Where two recordings of a hop differ, noise among it. Times, trace ids and who answered are not compared.
 *
 * @param read gives a left text as the right capture would have it: what then is the same is noise
 */
export function hopDifferences(left: Exchange, right: Exchange, read: Reading = asItIs): HopDifference[] {
  return [
    ...targetDifferences(left, right, read),
    ...fieldDifferences(['request', 'headers'], left.hop.headers, right.hop.headers, read),
    ...bodyDifferences(['request', 'body'], requestBody(left), requestBody(right), read),
    ...valueDifference(['failure'], '', left.failure?.type, right.failure?.type),
    ...responseDifferences(left, right, read),
  ];
}

function targetDifferences(
  { hop: left }: Exchange,
  { hop: right }: Exchange,
  read: Reading,
): HopDifference[] {
  return [
    ...valueDifference(['request', 'scheme'], '', left.scheme, right.scheme),
    ...valueDifference(['request', 'host'], '', left.host.toLowerCase(), right.host.toLowerCase(), read),
    ...valueDifference(['request', 'path'], '', left.path, right.path, read),
    ...parameterDifferences(['request', 'query'], left.query ?? '', right.query ?? '', read),
  ];
}

function responseDifferences(left: Exchange, right: Exchange, read: Reading): HopDifference[] {
  if (left.response === undefined || right.response === undefined) {
    return valueDifference(['response', 'status'], '', left.response?.status, right.response?.status);
  }
  return [
    ...valueDifference(['response', 'status'], '', left.response.status, right.response.status),
    ...fieldDifferences(['response', 'headers'], left.response.headers, right.response.headers, read),
    ...fieldDifferences(['response', 'trailers'], left.response.trailers, right.response.trailers, read),
    ...bodyDifferences(['response', 'body'], responseBody(left), responseBody(right), read),
  ];
}

function valueDifference(
  path: readonly string[],
  name: string,
  left: unknown,
  right: unknown,
  read: Reading = asItIs,
): HopDifference[] {
  if (left === right) return [];
  return [difference(pointerTo(...path), left, right, noiseBetween(name, left, right, read))];
}

function difference(
  pointer: string,
  left: unknown,
  right: unknown,
  noise: NoiseKind | undefined,
): HopDifference {
  return {
    pointer,
    ...(left !== undefined && { left }),
    ...(right !== undefined && { right }),
    ...(noise !== undefined && { noise }),
  };
}

function fieldDifferences(
  path: readonly string[],
  left: RawHeaders,
  right: RawHeaders,
  read: Reading,
): HopDifference[] {
  const leftFields = recordedHeaders(left);
  const rightFields = recordedHeaders(right);
  const names = new Set([...leftFields.keys(), ...rightFields.keys()]);
  return [...names].flatMap((name) => {
    const leftValues = leftFields.get(name);
    const rightValues = rightFields.get(name);
    const leftValue = leftValues?.join(', ');
    const rightValue = rightValues?.join(', ');
    if (leftValue === rightValue) return [];
    const noise = fieldNoise(name, leftValues, rightValues, read);
    return [difference(pointerTo(...path, name), leftValue, rightValue, noise)];
  });
}

/**
 * A field that is only there in one of the captures is a difference, but for those of a trace and for the length: the
 * same message may come with one or in chunks.
 */
function fieldNoise(
  name: string,
  left: readonly string[] | undefined,
  right: readonly string[] | undefined,
  read: Reading,
): NoiseKind | undefined {
  const known = headerNoise(name);
  if (left === undefined || right === undefined) {
    return known === 'trace' || name === 'content-length' ? known : undefined;
  }
  if (known !== undefined) return known;
  const noise = noiseBetween('', left.join(', '), right.join(', '), read);
  if (noise !== undefined || !isSecretHeader(name)) return noise;
  // Of credentials the scheme means something, of cookies the names and attributes. Value by value: a comma within
  // `Expires` is none between two cookies (RFC 6265 section 3).
  const [leftOutline, rightOutline] = [left, right].map((values) =>
    JSON.stringify(values.map((value) => outline(name, value))),
  );
  return leftOutline === rightOutline ? 'token' : undefined;
}

function outline(name: string, value: string): string {
  if (name === 'cookie') return value.replace(/=[^;]*/g, '=');
  if (name === 'set-cookie') return value.replace(/=[^;]*/, '=').replace(/;\s*expires=[^;]*/gi, '');
  return /^\S+(?= )/.exec(value)?.[0].toLowerCase() ?? '';
}

/** A body with what is needed to compare it. */
interface ComparedBody {
  readonly body: BodyText | undefined;
  readonly contentType: string;
  readonly size: number;
}

function requestBody({ hop, requestBody: body, failure }: Exchange): ComparedBody {
  return comparedBody(body, hop.headers, failure !== undefined);
}

function responseBody({ response, failure }: Exchange): ComparedBody {
  if (response === undefined) return { body: undefined, contentType: '', size: 0 };
  return comparedBody(response.body, response.headers, failure !== undefined);
}

function comparedBody(body: RecordedBody, headers: RawHeaders, isBroken: boolean): ComparedBody {
  return {
    body: bodyAttribute(body, headers, body.truncated || isBroken),
    contentType: headerValue(headers, 'content-type') ?? '',
    size: body.size,
  };
}

/** Every text of an exchange in which an identifier may stand. */
export function* textsOf(exchange: Exchange): Generator<string> {
  const { hop, response } = exchange;
  yield hop.path;
  yield hop.query ?? '';
  yield* hop.headers;
  yield* response?.headers ?? [];
  yield* response?.trailers ?? [];
  for (const { body } of [requestBody(exchange), responseBody(exchange)]) {
    if (body !== undefined && body.encoding === undefined) yield body.value;
  }
}

/** The request body as it takes part in pairing hops: the same but for noise, and the order of JSON members. */
export function requestBodyKey(exchange: Exchange, read: Reading = asItIs): string {
  const { body } = requestBody(exchange);
  if (body === undefined) return '';
  const text = body.encoding === undefined ? denoise(read(body.value)).text : body.value;
  return createHash('sha256').update(text).digest('base64');
}

function bodyDifferences(
  path: readonly string[],
  left: ComparedBody,
  right: ComparedBody,
  read: Reading,
): HopDifference[] {
  if (left.body?.value === right.body?.value && left.body?.encoding === right.body?.encoding) return [];
  const pointer = pointerTo(...path);
  if (left.body === undefined || right.body === undefined) {
    return [difference(pointer, shownBody(left), shownBody(right), undefined)];
  }
  if (left.body.encoding !== undefined || right.body.encoding !== undefined) {
    return [difference(pointer, sizeOf(left), sizeOf(right), undefined)];
  }
  const leftJson = jsonOf(left);
  const rightJson = jsonOf(right);
  if (leftJson !== undefined && rightJson !== undefined) {
    try {
      return jsonDifferences(leftJson.value, rightJson.value, read).map((found) =>
        difference(pointer + found.pointer, found.left, found.right, found.noise),
      );
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  if (isForm(left) && isForm(right)) {
    const found = parameterDifferences(path, left.body.value, right.body.value, read);
    return found.map((parameter) => ({ ...parameter, isFormParameter: true }));
  }
  return textDifferences(pointer, left.body.value, right.body.value, read);
}

function jsonOf({ body, contentType }: ComparedBody): { readonly value: unknown } | undefined {
  if (body === undefined || !(isJson(contentType) || /^\s*[[{]/.test(body.value))) return undefined;
  try {
    return { value: JSON.parse(body.value) };
  } catch {
    return undefined;
  }
}

function isForm({ contentType }: ComparedBody): boolean {
  return /^application\/x-www-form-urlencoded\b/i.test(contentType);
}

/** Parameters of a query or a form by their names; where the names come in another order, that is no difference. */
function parameterDifferences(
  path: readonly string[],
  left: string,
  right: string,
  read: Reading,
): HopDifference[] {
  if (left === right) return [];
  const leftValues = new URLSearchParams(left);
  const rightValues = new URLSearchParams(right);
  const textOf = (values: URLSearchParams, name: string) =>
    values.has(name) ? values.getAll(name).join(', ') : undefined;
  return [...new Set([...leftValues.keys(), ...rightValues.keys()])].flatMap((name) =>
    valueDifference([...path, name], name, textOf(leftValues, name), textOf(rightValues, name), read),
  );
}

/** Texts of one line are shown as they are. */
const SHORT_TEXT = 200;

function textDifferences(pointer: string, left: string, right: string, read: Reading): HopDifference[] {
  const { text, kinds } = denoise(read(left));
  const isNoise = text === denoise(right).text;
  if (isNoise) return [difference(pointer, excerpt(left), excerpt(right), kinds[0] ?? 'id')];
  if (isShort(left) && isShort(right)) return [difference(pointer, left, right, undefined)];
  const lines = textDifference(left, right, read);
  const sizes = difference(pointer, `${left.length} characters`, `${right.length} characters`, undefined);
  return [lines === undefined ? sizes : { ...sizes, lines }];
}

function isShort(text: string): boolean {
  return text.length <= SHORT_TEXT && !text.includes('\n');
}

function excerpt(text: string): string {
  return text.length <= SHORT_TEXT ? text : `${text.slice(0, SHORT_TEXT)}…`;
}

function shownBody(compared: ComparedBody): string | undefined {
  const { body } = compared;
  if (body === undefined) return undefined;
  return body.encoding === undefined ? excerpt(body.value) : sizeOf(compared);
}

/** Binary bodies are told apart by size and hash: nobody reads their bytes. */
function sizeOf({ body, size }: ComparedBody): string {
  const value = body?.value ?? '';
  const bytes = Buffer.from(value, body?.encoding === 'base64' ? 'base64' : 'utf8');
  return `${size} bytes, sha256 ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}…`;
}
