import type { CaseDocument } from '../../cases/index.ts';
import { table, visible } from '../table.ts';
import type { HopSummary } from './hop-summary.ts';

/** The hops of a case as a table. */
export function hopTable(
  { caseId, version, createdAt, mode }: CaseDocument,
  hops: readonly HopSummary[],
): string {
  const about = [`version ${version}`, mode, createdAt, hops.length === 1 ? '1 hop' : `${hops.length} hops`];
  const title = visible(`case ${caseId} (${about.filter(Boolean).join(', ')})`);
  if (hops.length === 0) return title;
  const showsVia = hops.some(({ attribution }) => attribution !== null);
  const heading = ['#', 'direction', 'method', 'URL', 'status', 'size', 'ms', 'outcome'];
  const rows = hops.map((hop) => (showsVia ? [...row(hop), hop.attribution ?? '-'] : row(hop)));
  return `${title}\n\n${table([showsVia ? [...heading, 'via'] : heading, ...rows], { numeric: [0, 4, 5, 6] })}`;
}

/** Room that a URL gets, in characters: on a terminal what the other columns leave. `--json` has all of it. */
function urlRoom(): number {
  return process.stdout.isTTY ? Math.max(30, process.stdout.columns - 60) : 80;
}

function row(hop: HopSummary): string[] {
  const outcome = [hop.outcome, hop.rule && `(${hop.rule})`, hop.failure].filter(Boolean).join(' ');
  const room = urlRoom();
  return [
    String(hop.index),
    hop.direction,
    hop.method,
    hop.url.length <= room ? hop.url : `${hop.url.slice(0, room - 1)}…`,
    hop.status === null ? '-' : String(hop.status),
    String(hop.responseSize),
    hop.durationMs.toFixed(1),
    outcome,
  ];
}
