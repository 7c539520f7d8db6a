import { isDeepStrictEqual } from 'node:util';
import type { Entry, Har } from 'har-format';
import { spansOfTraces } from '../case-spans.ts';
import type { CaseDocument, HarCase, HarEntry, TracesData } from '../documents.generated.ts';
import { tracesFromExchange } from '../span.ts';
import { exchangeFromSpan } from '../span-reader.ts';
import { harEntry } from './har-entry.ts';
import { exchangeFromEntry } from './har-exchange.ts';

/**
 * A case as an HTTP Archive (HAR 1.2), entries in the order of the case. It can be imported back to an equal case:
 * what HAR has no place for is in `_softprobe` of the entries, and what is not as this proxy records it, as spans
 * of other programs are not, is in `_softprobe` of the log as it is.
 *
 * @param version of this program
 * @param onTrace is told how many traces are done; large cases take seconds
 */
export function harFromCase(
  document: CaseDocument,
  version: string,
  onTrace: (done: number) => void = () => {},
): Har {
  const entries: Entry[] = [];
  const originals: [string, TracesData][] = [];
  for (const [index, traces] of document.traces.entries()) {
    const added = Array.from(spansOfTraces(traces), ({ span, resource }) =>
      harEntry(exchangeFromSpan(span, resource), index),
    );
    entries.push(...added);
    const [only] = added;
    const isWhole = only !== undefined && added.length === 1 && isDeepStrictEqual(rebuilt(only), traces);
    if (!isWhole) originals.push([String(index), traces]);
    onTrace(index + 1);
  }
  const { traces: _inEntries, ...others } = document;
  const rest: HarCase = {
    case: others,
    ...(originals.length > 0 && { traces: Object.fromEntries(originals) }),
  };
  const creator = { name: 'softprobe-proxy', version };
  const log = { version: '1.2', creator, entries, _softprobe: rest };
  return { log };
}

/** What an import would make of an entry that went through JSON. */
function rebuilt(entry: Entry): TracesData | undefined {
  const read: HarEntry = JSON.parse(JSON.stringify(entry));
  const exchange = exchangeFromEntry(read, 'outbound');
  return 'reason' in exchange ? undefined : tracesFromExchange(exchange);
}
