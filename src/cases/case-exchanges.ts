import { spansOf } from './case-spans.ts';
import type { CaseDocument } from './documents.generated.ts';
import type { Exchange } from './exchange.ts';
import { exchangeFromSpan } from './span-reader.ts';

/**
 * Every hop of a case, in the order in which the requests started: people count them so. Lookups that a proxy made,
 * which some recordings contain, are no hops.
 */
export function exchangesOf(document: CaseDocument): Exchange[] {
  return Array.from(spansOf(document), ({ span, resource }) => exchangeFromSpan(span, resource))
    .filter(({ hop }) => hop.attributes?.get('sp.span.type') !== 'inject')
    .sort((a, b) => a.startTime - b.startTime);
}
