import { exchangesOf } from '../../cases/case-exchanges.ts';
import type { CaseDocument } from '../../cases/index.ts';
import type { Result } from '../command.ts';
import { CliFailure } from '../failure.ts';
import { readCount } from '../flag-value.ts';
import { type Arguments, flagValue } from '../flags.ts';
import { detailHop, hopDetailText } from './hop-detail.ts';
import { summarizeHops } from './hop-summary.ts';
import { hopTable } from './hop-table.ts';

/**
 * The hops of a case as a table, or one of them in full.
 *
 * @throws {CliFailure} where there is no hop of that number
 */
export function inspectHops(document: CaseDocument, args: Arguments): Result {
  const flag = flagValue(args, 'hop');
  const exchanges = exchangesOf(document);
  const hops = summarizeHops(exchanges);
  const { caseId, version, traces } = document;
  const fields = { caseId, version, traceCount: traces.length, spanSummary: hops };
  if (flag === undefined) return { text: hopTable(document, hops), fields };
  const index = readCount('--hop', flag);
  const exchange = exchanges[index - 1];
  const summary = hops[index - 1];
  if (exchange === undefined || summary === undefined) {
    const known = hops.length === 0 ? 'no hops' : `the hops 1 to ${hops.length}`;
    throw new CliFailure(`--hop ${index}: the case has ${known}`, { code: 'no_such_hop' });
  }
  const hop = detailHop(exchange, summary);
  return { text: hopDetailText(hop), fields: { ...fields, hop } };
}
