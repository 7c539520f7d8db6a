import { bodyAttribute } from './body.ts';
import type { CaseSpan } from './case-spans.ts';
import type { Span } from './documents.generated.ts';
import type { Exchange } from './exchange.ts';
import { recordedHeaders } from './headers.ts';
import { exchangeFromSpan } from './span-reader.ts';

/** A recorded response in the form that a rule's `response` has, ready to be changed. */
export interface CaseResponse {
  /** 0 where the hop failed before any response came; `exchange.failure` then says why. */
  status: number;
  /** Lower-case name to value; a list of values where the field came more than once. */
  headers: Record<string, string | string[]>;
  /** Content codings undone. Empty where nothing was recorded. */
  body: string;
  /** `base64` where the body is not text. */
  bodyEncoding?: 'base64';
}

/** A recorded hop that a lookup found. */
export interface CaseHit {
  readonly exchange: Exchange;
  /** The span as the case file has it. */
  readonly span: Span;
  readonly response: CaseResponse;
}

/** The hop of a span of a case, in the form that tests work with. */
export function caseHit({ span, resource }: CaseSpan): CaseHit {
  const exchange = exchangeFromSpan(span, resource);
  return { exchange, span, response: caseResponse(exchange) };
}

/** The response of an exchange as a rule would give it. */
export function caseResponse({ response, failure }: Exchange): CaseResponse {
  if (response === undefined) return { status: 0, headers: {}, body: '' };
  const isCut = response.body.truncated || failure !== undefined;
  const body = bodyAttribute(response.body, response.headers, isCut);
  return {
    status: response.status,
    headers: headersObject(recordedHeaders(response.headers)),
    body: body?.value ?? '',
    ...(body?.encoding !== undefined && { bodyEncoding: body.encoding }),
  };
}

/** `fromEntries` defines own properties whatever their names are: a header may be called `__proto__`. */
function headersObject(fields: ReadonlyMap<string, string[]>): Record<string, string | string[]> {
  return Object.fromEntries(
    Array.from(fields, ([name, values]) => {
      const [only, ...more] = values;
      return [name, only !== undefined && more.length === 0 ? only : values];
    }),
  );
}
