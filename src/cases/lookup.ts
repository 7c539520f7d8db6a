import { type CaseHit, caseHit } from './case-hit.ts';
import { type CaseSpan, spansOf } from './case-spans.ts';
import type { CaseDocument, When } from './documents.generated.ts';
import type { Exchange, Hop } from './exchange.ts';
import { compileWhen } from './predicate.ts';
import { SoftprobeError } from './softprobe-error.ts';
import { hopFromSpan } from './span-reader.ts';
import { urlWithoutUserinfo } from './url.ts';
import { InvalidDocumentError, validateDocument } from './validation.ts';

/** Most hops that the message of an error lists. */
const MAX_LISTED = 20;

/**
 * A lookup that found no hop, or several where one was asked for. The message lists the candidates, one a
 * line, and says what to change in the predicate.
 */
export class CaseLookupError extends SoftprobeError {
  override readonly name = 'CaseLookupError';
  /** The hops that the predicate found: none, or more than one. */
  readonly matches: readonly CaseHit[];
  /** The hops that it had to choose from: what it found, or where it found none, all hops of the case. */
  readonly candidates: readonly CaseHit[];

  constructor(message: string, matches: readonly CaseHit[], candidates: readonly CaseHit[]) {
    super(message);
    this.matches = matches;
    this.candidates = candidates;
  }
}

/**
 * The one recorded hop for which the predicate holds (CONTRACT section 7, the keys of a rule's `when`).
 *
 * @throws {CaseLookupError} when it holds for none or for several
 * @throws {InvalidDocumentError} when the predicate has an unknown key or a value of the wrong type
 * @throws {InvalidWhenError} when a regular expression, JSONPath, host or path template in it is not valid
 */
export function findInCase(document: CaseDocument, predicate: When): CaseHit {
  const hits = findAllInCase(document, predicate);
  const [hit] = hits;
  if (hit !== undefined && hits.length === 1) return hit;
  throw new CaseLookupError(
    [
      `${hits.length} hops of the case ${JSON.stringify(document.caseId)} match ${JSON.stringify(predicate)}, expected one:`,
      ...listHits(hits),
      adviceForSeveral(hits),
    ].join('\n'),
    hits,
    hits,
  );
}

/**
 * All recorded hops for which the predicate holds, in the order in which they were recorded.
 *
 * @throws {CaseLookupError} when it holds for none, and as {@link findInCase} for a bad predicate
 */
export function findAllInCase(document: CaseDocument, predicate: When): CaseHit[] {
  checkPredicate(predicate);
  const when = compileWhen(predicate);
  const hops = hopsOf(document);
  const found = hops.filter(({ hop }) => when.matches(hop));
  if (found.length > 0) return found.map(({ place }) => caseHit(place));
  const candidates = hops.map(({ place }) => caseHit(place));
  throw new CaseLookupError(
    [
      `no hop of the case ${JSON.stringify(document.caseId)} matches ${JSON.stringify(predicate)}`,
      ...(candidates.length === 0 ? ['the case has no hops'] : ['its hops are:', ...listHits(candidates)]),
      ...adviceForNone(hops, predicate),
    ].join('\n'),
    [],
    candidates,
  );
}

interface CaseHop {
  readonly place: CaseSpan;
  readonly hop: Hop;
}

/** Lookups that a proxy made, which some recordings contain, are no recorded hops. */
function hopsOf(document: CaseDocument): CaseHop[] {
  return Array.from(spansOf(document), (place) => ({
    place,
    hop: hopFromSpan(place.span, place.resource),
  })).filter(({ hop }) => hop.attributes?.get('sp.span.type') !== 'inject');
}

/** Callers in JavaScript have no compiler to tell them of a misspelt key: the schema of rules does. */
export function checkPredicate(predicate: When): void {
  try {
    validateDocument('rules', { rules: [{ when: predicate, then: { action: 'passthrough' } }] });
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    const issues = error.issues.map(({ pointer, message }) => ({
      pointer: pointer.replace(/^\/rules\/0/, ''),
      message,
    }));
    throw new InvalidDocumentError('rules', issues);
  }
}

function listHits(hits: readonly CaseHit[]): string[] {
  const lines = hits.slice(0, MAX_LISTED).map(({ exchange }) => `  ${describeExchange(exchange)}`);
  if (hits.length > MAX_LISTED) lines.push(`  … and ${hits.length - MAX_LISTED} more`);
  return lines;
}

/** `outbound GET http://stock:8090/items/7 -> 200`. */
function describeExchange({ hop, response, failure }: Exchange): string {
  const url = urlWithoutUserinfo(`${hop.scheme}://${hop.host}${hop.path}${hop.query ? `?${hop.query}` : ''}`);
  const shortUrl = url.length <= 200 ? url : `${url.slice(0, 200)}…`;
  return `${hop.direction} ${hop.method} ${shortUrl} -> ${response?.status ?? failure?.type ?? 'no response'}`;
}

/** The keys that tell hops apart, in the order in which people would try them. */
const DISTINCTIONS: readonly { key: string; of: (hop: Hop) => string | undefined }[] = [
  { key: 'direction', of: (hop) => hop.direction },
  { key: 'method', of: (hop) => hop.method },
  { key: 'host', of: (hop) => hop.host },
  { key: 'path', of: (hop) => hop.path },
  { key: 'query', of: (hop) => hop.query },
  { key: 'service', of: (hop) => hop.service },
];

function adviceForSeveral(hits: readonly CaseHit[]): string {
  const differing = DISTINCTIONS.filter(
    ({ of }) => new Set(hits.map(({ exchange }) => of(exchange.hop))).size > 1,
  );
  return differing.length > 0
    ? `add to the predicate what tells them apart: ${differing.map(({ key }) => key).join(', ')}; or use findAllInCase`
    : 'they differ in neither method, URL nor direction: add headers or bodyJsonPathEquals, or use findAllInCase';
}

/** Which keys of the predicate no hop satisfies, each looked at alone. */
function adviceForNone(hops: readonly CaseHop[], predicate: When): string[] {
  const hopeless = Object.entries(predicate).filter(([key, value]) => {
    const alone = compileWhen({ [key]: value });
    return !hops.some(({ hop }) => alone.matches(hop));
  });
  if (hops.length === 0) return [];
  if (hopeless.length === 0)
    return ['each key of the predicate holds for some hop, but no hop satisfies all: remove one'];
  return hopeless.map(([key, value]) => `no hop has ${key} ${JSON.stringify(value)}: change or remove it`);
}
