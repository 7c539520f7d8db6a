import { type CaseHit, type CaseResponse, caseResponse } from './case-hit.ts';
import { ContentCodingError, encodeContent } from './content-coding.ts';
import type { ResponseSpec, Rule, Then, When } from './documents.generated.ts';
import type { Exchange, Failure, Hop, RecordedBody } from './exchange.ts';
import { isHopByHop } from './headers.ts';
import { SoftprobeError } from './softprobe-error.ts';

/** What a rule made from a recording shall say in another way. */
export interface RuleOverrides extends Partial<Omit<Rule, 'when' | 'then'>> {
  /** Predicates to add, or to put in the place of those made from the hop. */
  readonly when?: When;
  /** Parts of the response to put in the place of the recorded ones. */
  readonly response?: ResponseSpec;
}

/** A recorded exchange that no rule can answer as it was, because a part of its response is missing. */
export class IncompleteRecordingError extends SoftprobeError {
  override readonly name = 'IncompleteRecordingError';
  readonly exchange: Exchange;

  constructor(exchange: Exchange, reason: string) {
    const { method, host, path } = exchange.hop;
    super(`the response to ${method} ${host}${path} cannot be replayed as it was: ${reason}`);
    this.exchange = exchange;
  }
}

/**
 * A rule that answers a hop as it was answered when it was recorded. It matches direction, method, host and
 * path with query. A hop that failed before any response came is answered as the proxy answered it then
 * (CONTRACT section 9): 504 after a time-out, else 502.
 *
 * @param hit what a lookup found (with what the caller changed in `hit.response`), or an exchange
 * @throws {IncompleteRecordingError} when the response broke off or its body was cut by the recording limit;
 * not when `overrides.response` has a body
 */
export function ruleFromHit(hit: CaseHit | Exchange, overrides: RuleOverrides = {}): Rule {
  const exchange = 'exchange' in hit ? hit.exchange : hit;
  const { when, response, ...labels } = overrides;
  return {
    name: `${exchange.hop.method} ${exchange.hop.path}`,
    ...labels,
    when: { ...whenOf(exchange.hop), ...when },
    then: thenOf(exchange, 'exchange' in hit ? hit.response : caseResponse(hit), response),
  };
}

function whenOf({ direction, method, host, path, query }: Hop): When {
  return {
    direction,
    method,
    ...(host !== '' && { host }),
    path: query === undefined ? path : `${path}?${query}`,
  };
}

function thenOf(exchange: Exchange, recorded: CaseResponse, changes: ResponseSpec | undefined): Then {
  const { response, failure } = exchange;
  if (response === undefined && changes === undefined) return errorOf(failure);
  if (changes?.body === undefined && response !== undefined) {
    if (failure !== undefined) throw new IncompleteRecordingError(exchange, `it ended with ${failure.type}`);
    if (response.body.truncated) {
      const kept = `${response.body.bytes.length} of ${response.body.size} bytes were recorded`;
      throw new IncompleteRecordingError(exchange, `${kept}; record with a higher --max-recorded-body`);
    }
  }
  return {
    action: 'mock',
    response: {
      ...(recorded.status > 0 && { status: recorded.status }),
      headers: headersOf(exchange, recorded),
      // A changed body comes with its own encoding, or with none.
      ...(changes?.body === undefined && bodyOf(response?.body, recorded)),
      ...changes,
    },
  };
}

function errorOf(failure: Failure | undefined): Then {
  const { type, message } = failure ?? { type: 'no_response', message: 'no response was recorded' };
  const status = /timed?-?out/i.test(type) ? 504 : 502;
  return {
    action: 'error',
    error: {
      status,
      headers: { 'content-type': 'application/json' },
      body: { error: { code: type, message } },
    },
  };
}

/**
 * The recorded headers as a rule gives them. A length is computed from the body that is sent, except where
 * there is none and the length speaks of another response's body (RFC 9110 section 8.6).
 */
function headersOf(exchange: Exchange, { status, headers }: CaseResponse): Record<string, string | string[]> {
  const isLengthOnly = exchange.hop.method === 'HEAD' || status === 304;
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !isHopByHop(name) && (name !== 'content-length' || isLengthOnly),
    ),
  );
}

function bodyOf(
  body: RecordedBody | undefined,
  recorded: CaseResponse,
): Pick<ResponseSpec, 'body' | 'bodyEncoding'> {
  if (recorded.body === '') return {};
  if (recorded.bodyEncoding === undefined) return { body: recorded.body };
  return { body: codedBody(body, recorded), bodyEncoding: 'base64' };
}

/**
 * Whoever sends a rule's response applies its `content-encoding`, but takes a base64 body that begins with the
 * signature of that coding for coded already. So binary bodies are coded here: an archive that was sent with
 * gzip as its content coding would otherwise be sent with one layer less. What could never be decoded is
 * still as it was on the wire and stays so.
 */
function codedBody(body: RecordedBody | undefined, { headers, body: base64 }: CaseResponse): string {
  const codings = [headers['content-encoding'] ?? []].flat().join(',');
  const hasSignature = /(?:^|,)\s*(?:x-gzip|gzip|zstd)\s*$/i.test(codings);
  const bytes = Buffer.from(base64, 'base64');
  const isStillCoded = body !== undefined && body.decoded !== true && bytes.equals(body.bytes);
  if (!hasSignature || isStillCoded) return base64;
  try {
    return Buffer.from(encodeContent(bytes, codings)).toString('base64');
  } catch (error) {
    if (error instanceof ContentCodingError) return base64;
    throw error;
  }
}
