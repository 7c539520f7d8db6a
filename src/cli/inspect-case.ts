import { type CaseDocument, CaseFileError, type CaseFileProblem, readCaseFile } from '../cases/index.ts';
import { ExitCode } from './exit-code.ts';
import { CliFailure } from './failure.ts';
import { type Arguments, type Flags, flagValue, isSet } from './flags.ts';
import { type HopSummary, summarizeHops } from './hop-summary.ts';
import { table, visible } from './table.ts';

export const inspectCaseFlags = {
  json: { type: 'boolean', describe: 'Print one JSON document' },
} as const satisfies Flags;

/**
 * `softprobe-proxy inspect case FILE`: the hops of a case file as a table.
 *
 * @returns the exit code: 0, 1 when the file cannot be read, 5 when it is not a case
 */
export async function inspectCase(args: Arguments): Promise<number> {
  const json = isSet(args, 'json');
  try {
    const document = await readCase(flagValue(args, 'file') ?? '');
    const hops = summarizeHops(document);
    process.stdout.write(json ? caseJson(document, hops) : caseText(document, hops));
    return ExitCode.ok;
  } catch (error) {
    if (!json || !(error instanceof CliFailure)) throw error;
    const { exitCode, code, message } = error;
    process.stdout.write(`${JSON.stringify({ status: 'fail', exitCode, error: { code, message } })}\n`);
    return exitCode;
  }
}

/** Problems that lie in the document and not in the way to it. */
const documentProblems: readonly CaseFileProblem[] = ['empty', 'not-text', 'not-json', 'invalid'];

async function readCase(path: string): Promise<CaseDocument> {
  try {
    return await readCaseFile(path);
  } catch (error) {
    if (!(error instanceof CaseFileError)) throw error;
    const isInvalid = documentProblems.includes(error.problem);
    const [, ...more] = error.issues.map(({ pointer, message }) => `  ${pointer} ${message}`);
    throw new CliFailure([error.message, ...more].map(visible).join('\n'), {
      exitCode: isInvalid ? ExitCode.invalidDocument : ExitCode.failure,
      code: isInvalid ? 'invalid_case' : 'unreadable_case',
      cause: error,
    });
  }
}

function caseJson(document: CaseDocument, hops: readonly HopSummary[]): string {
  const { caseId, version, traces } = document;
  const result = { status: 'ok', exitCode: ExitCode.ok, error: null, caseId, version };
  return `${JSON.stringify({ ...result, traceCount: traces.length, spanSummary: hops }, undefined, 2)}\n`;
}

function caseText({ caseId, version, createdAt, mode }: CaseDocument, hops: readonly HopSummary[]): string {
  const about = [`version ${version}`, mode, createdAt, hops.length === 1 ? '1 hop' : `${hops.length} hops`];
  const title = visible(`case ${caseId} (${about.filter(Boolean).join(', ')})`);
  if (hops.length === 0) return `${title}\n`;
  const showsVia = hops.some(({ attribution }) => attribution !== null);
  const heading = ['#', 'direction', 'method', 'URL', 'status', 'size', 'ms', 'outcome'];
  const rows = hops.map((hop) => (showsVia ? [...row(hop), hop.attribution ?? '-'] : row(hop)));
  return `${title}\n\n${table([showsVia ? [...heading, 'via'] : heading, ...rows], { numeric: [0, 4, 5, 6] })}\n`;
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
