import { spansOfTraces } from '../case-spans.ts';
import type { CaseDocument, HarEntry, TracesData } from '../documents.generated.ts';
import type { Direction } from '../exchange.ts';
import type { Redactor } from '../redaction.ts';
import { tracesFromExchange } from '../span.ts';
import { InvalidDocumentError, validateDocument } from '../validation.ts';
import { exchangeFromEntry, type SkippedEntry } from './har-exchange.ts';

export interface HarImportOptions {
  /** Id of the case, where the archive does not say one. */
  readonly caseId: string;
  /** Which way the hops go that do not say so; `outbound` when left out. */
  readonly direction?: Direction;
  /** Hides the secrets of archives that are not ours. */
  readonly redactor?: Redactor | undefined;
}

/** A case made from something else, and what of that is not in it. */
export interface ImportedCase {
  readonly document: CaseDocument;
  readonly skipped: readonly { readonly index: number; readonly reason: string }[];
}

/**
 * A case from an HTTP Archive (HAR 1.1 or 1.2): an equal one where the archive was exported from a case, else as good
 * as the archive is. Entries that are no HTTP exchanges (`data:`, `blob:`, WebSockets) are skipped.
 *
 * @param value the archive as JSON
 * @throws {InvalidDocumentError} with a JSON Pointer for each mistake
 */
export function caseFromHar(value: unknown, options: HarImportOptions): ImportedCase {
  const { log } = validateDocument('har', value);
  const ours = log._softprobe;
  const originals = new Map(Object.entries(ours?.traces ?? {}));
  const placed: { place: number; traces: TracesData }[] = [];
  const skipped: { index: number; reason: string }[] = [];
  const taken = new Set<string>();
  for (const [index, entry] of log.entries.entries()) {
    // Entries that somebody added to an archive of ours come after the others.
    const place = entry._softprobe?.trace ?? Number.POSITIVE_INFINITY;
    const original = originals.get(String(place));
    if (original !== undefined) {
      if (!taken.has(String(place))) placed.push({ place, traces: original });
      taken.add(String(place));
      continue;
    }
    const imported = tracesOf(entry, options);
    if ('reason' in imported) skipped.push({ index, reason: imported.reason });
    else placed.push({ place, traces: imported.traces });
  }
  // What has no hops has no entries either.
  for (const [place, traces] of originals) {
    if (spansOfTraces(traces).next().done) placed.push({ place: Number(place), traces });
  }
  placed.sort((a, b) => a.place - b.place || 0);
  const head = { version: '1.0.0', caseId: options.caseId, ...ours?.case };
  return { document: asCase({ ...head, traces: placed.map(({ traces }) => traces) }), skipped };
}

function tracesOf(
  entry: HarEntry,
  { direction = 'outbound', redactor }: HarImportOptions,
): { readonly traces: TracesData } | SkippedEntry {
  const exchange = exchangeFromEntry(entry, direction);
  if ('reason' in exchange) return exchange;
  return { traces: tracesFromExchange(exchange, entry._softprobe === undefined ? redactor : undefined) };
}

/** What an archive of ours says of its case may have been changed by somebody since. */
function asCase(value: unknown): CaseDocument {
  try {
    return validateDocument('case', value);
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    const issues = error.issues.map(({ pointer, message }) => ({
      pointer: `/log/_softprobe/case${pointer}`,
      message,
    }));
    throw new InvalidDocumentError('har', issues);
  }
}
