import { exchangesOf } from '../../cases/case-exchanges.ts';
import { JsonSyntaxError, OtlpError, parseJson, type Redactor, type TracesData } from '../../cases/index.ts';
import { hopsOfOtlp } from '../../cases/otlp-import.ts';
import { ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { beginReading, megabytes, type ProgressLine } from '../progress.ts';
import { type OpenText, openText } from './text-lines.ts';

/** The HTTP hops of a file, in the order in which the requests started. */
export interface OtlpHops {
  readonly traces: TracesData[];
  /** Spans that are none of HTTP. */
  readonly passedOver: number;
}

/**
 * Reads OTLP/JSON: one document, or one in each line, as the collector's file exporter writes. Of many lines, one is
 * in memory at a time.
 *
 * @param progress is told how far it is
 * @throws {CliFailure} with exit code 1 when the file cannot be read, 5 when it is no OTLP
 */
export async function readOtlp(
  path: string,
  redactor: Redactor | undefined,
  progress: ProgressLine,
): Promise<OtlpHops> {
  const hops: TracesData[] = [];
  let passedOver = 0;
  const total = await beginReading(progress, path);
  const ofTotal = total === undefined ? '' : ` of ${megabytes(total)}`;
  const text = await openText(path);
  let size = 0;
  const lines = async function* (): AsyncGenerator<string> {
    for await (const line of text.lines) {
      size += Buffer.byteLength(line) + 1;
      yield line;
    }
  };
  for await (const { value, line } of documentsOf({ ...text, lines: lines() })) {
    progress.show(`reading ${text.name}: ${megabytes(size)}${ofTotal}, ${hops.length} hops`);
    try {
      const found = hopsOfOtlp(value, redactor);
      for (const hop of found.hops) hops.push(hop);
      passedOver += found.passedOver;
    } catch (error) {
      if (!(error instanceof OtlpError)) throw error;
      throw invalid(`${text.name}, line ${line}: ${error.message}`, error);
    }
  }
  const timed = hops.map((traces) => ({ traces, startTime: startOf(traces) }));
  timed.sort((a, b) => a.startTime - b.startTime);
  return { traces: timed.map(({ traces }) => traces), passedOver };
}

function startOf(traces: TracesData): number {
  return exchangesOf({ version: '1.0.0', caseId: 'one', traces: [traces] })[0]?.startTime ?? 0;
}

/** A line that is no document by itself begins one that fills the rest of the file. */
async function* documentsOf({ name, lines }: OpenText): AsyncGenerator<{ value: unknown; line: number }> {
  let count = 0;
  let rest: string[] | undefined;
  for await (const line of lines) {
    count += 1;
    if (rest !== undefined) rest.push(line);
    else if (line.trim() !== '') {
      const value = parsed(line);
      if (value !== undefined) yield { value, line: count };
      else if (count === 1 || /^\s*[{[]\s*$/.test(line)) rest = [line];
      else throw invalid(`${name}, line ${count}: not a document in JSON`);
    }
  }
  if (rest !== undefined) {
    try {
      yield { value: parseJson(rest.join('\n')), line: 1 };
    } catch (error) {
      if (error instanceof JsonSyntaxError) throw invalid(`${name} is ${error.message}`, error);
      throw error;
    }
  }
  if (count === 0) throw invalid(`${name} is empty; expected OTLP traces in JSON`);
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function invalid(message: string, cause?: unknown): CliFailure {
  return new CliFailure(message, { exitCode: ExitCode.invalidDocument, code: 'invalid_otlp', cause });
}
