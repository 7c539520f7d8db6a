import { canonicalJson } from './canonical-json.ts';
import { spansOf } from './case-spans.ts';
import type { CaseDocument, Rule, Then, When } from './documents.generated.ts';
import type { Direction, Exchange, Hop } from './exchange.ts';
import { headerValue } from './headers.ts';
import { parseAuthority, portOf } from './host-match.ts';
import { checkPredicate } from './lookup.ts';
import { foldMethod } from './method.ts';
import { compileWhen, InvalidWhenError } from './predicate.ts';
import { IncompleteRecordingError, ruleFromHit } from './replay-rule.ts';
import { type BodyWhen, requestBodyWhen } from './request-body-when.ts';
import { exchangeFromSpan } from './span-reader.ts';
import { urlWithoutUserinfo } from './url.ts';
import { InvalidDocumentError, validateDocument } from './validation.ts';

export interface CaseRulesOptions {
  /** Only hops for which this holds (CONTRACT section 7); all of the direction when left out. */
  readonly when?: When;
  /** `outbound` when left out: what the service said to the world. */
  readonly direction?: Direction;
  /**
   * What becomes of a request whose URL was recorded, but with other bodies: `miss` when left out, so that the
   * policy decides; or `recorded-order`: it gets the answers of that URL, one after the other. For services
   * that write times or random ids into their requests.
   */
  readonly unknownBody?: 'miss' | 'recorded-order';
}

/** A recorded hop for which there is no rule. */
export interface SkippedHop {
  /** From 1, in the order in which the requests started, as `inspect case` counts. */
  readonly index: number;
  /** `GET http://stock:8090/items/7`. */
  readonly request: string;
  readonly reason: string;
}

export interface CaseRules {
  /**
   * To be set as they stand: of the rules for the same request the later one wins, so that its answers come in
   * reverse order, the `consume: once` ones last.
   */
  readonly rules: Rule[];
  readonly skipped: SkippedHop[];
}

/** A recorded hop that can be answered. */
interface Recorded {
  readonly exchange: Exchange;
  readonly then: Then;
  /** Method, host and path with query. */
  readonly url: When;
  readonly urlKey: string;
  /** Undefined where the body is not known. */
  readonly body: BodyWhen | undefined;
}

/** Recorded hops that are the same call, in the order in which they were made. */
interface Call {
  readonly when: When;
  /** Calls with a higher one are asked first. */
  readonly precision: number;
  readonly answers: Recorded[];
}

/**
 * Rules that answer requests as they were answered when a case was recorded. Requests are the same when
 * method, host, path with query, and body are; never by their headers, many of which change from run to run or
 * are redacted. Where the same request was made several times and got different answers (in more than their
 * `date`), they are given in the recorded order, each once, and the last one for good.
 *
 * A hop that failed is answered as {@link ruleFromHit} does. What cannot be replayed (a response that broke off or
 * was cut, a tunnel, an upgraded connection, a hop that a policy had blocked) is in `skipped`.
 *
 * @throws {InvalidDocumentError} when `when` has an unknown key or a value of the wrong type
 * @throws {InvalidWhenError} when a regular expression, JSONPath, host or path template in it is not valid
 */
export function rulesFromCase(document: CaseDocument, options: CaseRulesOptions = {}): CaseRules {
  const { hops, skipped } = replayableHops(document, options);
  const calls = callsOf(withRetriedBodies(hops));
  if (options.unknownBody === 'recorded-order') calls.push(...anyBodyCalls(hops, calls));
  const rules = calls
    // Sorting is stable: among equals the order of the recording stays.
    .sort((left, right) => left.precision - right.precision)
    .flatMap(rulesOfCall);
  return { rules, skipped };
}

function replayableHops(
  document: CaseDocument,
  { when = {}, direction = 'outbound' }: CaseRulesOptions,
): { hops: Recorded[]; skipped: SkippedHop[] } {
  checkPredicate(when);
  const filter = compileWhen(when);
  const exchanges = Array.from(spansOf(document), ({ span, resource }) => exchangeFromSpan(span, resource));
  exchanges.sort((left, right) => left.startTime - right.startTime);
  const ports = portsByName(exchanges);
  const hops: Recorded[] = [];
  const skipped: SkippedHop[] = [];
  for (const [position, exchange] of exchanges.entries()) {
    const { hop } = exchange;
    // Lookups that a proxy made, which some recordings contain, are no hops.
    if (hop.attributes?.get('sp.span.type') === 'inject') continue;
    if (hop.direction !== direction || !filter.matches(hop)) continue;
    const result = recordedHop(exchange, ports);
    if ('reason' in result) skipped.push({ index: position + 1, request: requestLine(hop), ...result });
    else hops.push(result);
  }
  return { hops, skipped };
}

function recordedHop(exchange: Exchange, ports: PortsByName): Recorded | { reason: string } {
  const reason = whyNotReplayable(exchange);
  if (reason !== undefined) return { reason };
  try {
    const rule = ruleFromHit(exchange);
    const url = { ...rule.when, ...urlWhen(exchange.hop, ports) };
    const body = isBodyLost(exchange) ? undefined : requestBodyWhen(exchange);
    // One rule that cannot be set would take all the others along.
    validateDocument('rules', { rules: [{ when: { ...url, ...body?.when }, then: rule.then }] });
    compileWhen(url);
    return { exchange, then: rule.then, url, urlKey: canonicalJson(url), body };
  } catch (error) {
    const isExpected =
      error instanceof IncompleteRecordingError ||
      error instanceof InvalidDocumentError ||
      error instanceof InvalidWhenError;
    if (!isExpected) throw error;
    return { reason: error.message };
  }
}

function whyNotReplayable({ hop, response, failure, outcome }: Exchange): string | undefined {
  if (hop.method === 'CONNECT') return 'a tunnel: what went through it was not recorded';
  if (response?.status === 101) {
    return 'the connection was upgraded to another protocol: what went through it was not recorded';
  }
  if (outcome === 'strict-miss') return 'a policy blocked it when it was recorded: nobody had answered it';
  if (response === undefined && failure?.type === 'unfinished') {
    return 'it was still in flight when the recording was taken';
  }
  return undefined;
}

/** Ports that requests went to, by the name of the host. */
type PortsByName = ReadonlyMap<string, ReadonlySet<string>>;

function portsByName(exchanges: readonly Exchange[]): PortsByName {
  const ports = new Map<string, Set<string>>();
  for (const { hop } of exchanges) {
    const authority = parseAuthority(hop.host);
    ports.set(authority.name, (ports.get(authority.name) ?? new Set()).add(portOf(authority, hop.scheme)));
  }
  return ports;
}

/**
 * What {@link ruleFromHit} leaves open: a rule's host without a port is any port's, and a path without a `?` has
 * any query.
 */
function urlWhen({ host, scheme, method, query }: Hop, ports: PortsByName): When {
  const authority = parseAuthority(host);
  const isOneOfSeveral = host !== '' && authority.port === '' && (ports.get(authority.name)?.size ?? 0) > 1;
  const name = authority.name.includes(':') ? `[${authority.name}]` : authority.name;
  return {
    method: foldMethod(method),
    ...(isOneOfSeveral && { host: `${name}:${portOf(authority, scheme)}` }),
    ...(query === undefined && { query: null }),
  };
}

/**
 * A request that could not be delivered has its body in the recording only if somebody had read it. Without a
 * declared length one cannot tell.
 */
function isBodyLost({ hop, requestBody, failure }: Exchange): boolean {
  if (failure === undefined) return false;
  const declared = headerValue(hop.headers, 'content-length');
  if (declared !== undefined) return Number(declared) !== requestBody.size;
  return hop.method !== 'GET' && hop.method !== 'HEAD';
}

/**
 * A failed request whose body is not known was most likely made again: it gets the body of the next request to
 * the same URL, or if none follows, of the one before.
 */
function withRetriedBodies(hops: readonly Recorded[]): Recorded[] {
  const known = new Map<string, BodyWhen | undefined>();
  const fill = (hop: Recorded): Recorded => {
    if (hop.body === undefined && isBodyLost(hop.exchange)) {
      return { ...hop, body: known.get(hop.urlKey) };
    }
    known.set(hop.urlKey, hop.body);
    return hop;
  };
  const fromNext = hops.toReversed().map(fill).toReversed();
  known.clear();
  return fromNext.map(fill);
}

const USUALLY_WITH_BODY: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

function callsOf(hops: readonly Recorded[]): Call[] {
  const bodiesOfUrl = new Map<string, Set<string>>();
  for (const { urlKey, body } of hops) {
    bodiesOfUrl.set(urlKey, (bodiesOfUrl.get(urlKey) ?? new Set()).add(keyOf(body)));
  }
  const calls = new Map<string, Call>();
  for (const hop of hops) {
    const { url, urlKey, body } = hop;
    const key = `${urlKey} ${keyOf(body)}`;
    const call = calls.get(key);
    if (call !== undefined) {
      call.answers.push(hop);
      continue;
    }
    // That a GET has no body goes without saying, unless another to this URL has one.
    const isUsual = body?.kind === 'none' && !USUALLY_WITH_BODY.has(url.method ?? '');
    const asksForBody = !isUsual || (bodiesOfUrl.get(urlKey)?.size ?? 0) > 1;
    const when = { ...url, ...(asksForBody && body?.when) };
    calls.set(key, { when, precision: precisionOf(body), answers: [hop] });
  }
  return [...calls.values()];
}

function keyOf(body: BodyWhen | undefined): string {
  return body === undefined ? '' : canonicalJson(body.when);
}

function precisionOf(body: BodyWhen | undefined): number {
  if (body === undefined) return 0;
  // Redacted bodies: the more is known of one, the less does it hold for another.
  if (body.kind === 'partial') return Object.keys(body.when.bodyJsonPathEquals ?? {}).length;
  return Number.MAX_SAFE_INTEGER;
}

/** For each URL whose calls all ask for a body, one that asks for none. */
function anyBodyCalls(hops: readonly Recorded[], calls: readonly Call[]): Call[] {
  const byUrl = Map.groupBy(hops, ({ urlKey }) => urlKey);
  for (const { precision, answers, when } of calls) {
    const [{ urlKey, url } = { urlKey: '', url: undefined }] = answers;
    if (precision === 0 || canonicalJson(when) === canonicalJson(url)) byUrl.delete(urlKey);
  }
  return Array.from(byUrl.values(), (answers) => ({
    when: answers[0]?.url ?? {},
    precision: -1,
    answers,
  }));
}

/** Answers in reverse, since the later rule wins; those at the end that are equal become one. */
function rulesOfCall({ when, answers }: Call): Rule[] {
  const texts = answers.map(({ then }) => canonicalJson(withoutDate(then)));
  let count = answers.length;
  while (count > 1 && texts[count - 1] === texts[count - 2]) count -= 1;
  const rules = answers.slice(0, count).map(({ exchange, then }, index): Rule => {
    const name = `${exchange.hop.method} ${exchange.hop.path}`;
    return {
      name: count === 1 ? name : `${name} (${index + 1} of ${count})`,
      ...(index < count - 1 && { consume: 'once' }),
      when,
      then,
    };
  });
  return rules.reverse();
}

function withoutDate(then: Then): Then {
  if (then.response?.headers === undefined) return then;
  const { date: _, ...headers } = then.response.headers;
  return { ...then, response: { ...then.response, headers } };
}

function requestLine({ method, scheme, host, path, query }: Hop): string {
  const target = query === undefined ? path : `${path}?${query}`;
  return `${method} ${urlWithoutUserinfo(`${scheme}://${host}${target}`)}`;
}
