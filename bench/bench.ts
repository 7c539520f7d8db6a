/** How fast we are, next to what people would use instead: `npm run bench`. See CONTRIBUTING.md, "Measure". */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { CONTENDERS } from './contenders.ts';
import { chooseCores, describeCores } from './cores.ts';
import { applyLoad, CONNECTIONS, requireLoadGenerator } from './load.ts';
import { measure } from './measure.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { PATH } from './payload.ts';
import { formatReport, type Report, summarize } from './report.ts';
import { Stage } from './stage.ts';

/** Progress goes to stderr, so that stdout is the table or the JSON and nothing else. */
function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function run(options: Options): Promise<Report> {
  requireLoadGenerator();
  const cores = chooseCores();
  await using stage = await Stage.open(cores);
  const alone = await applyLoad(stage.upstream.url + PATH, [], 1, cores.load);
  const settings = {
    date: new Date().toISOString(),
    machine: `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown processor'}`,
    node: process.version,
    connections: CONNECTIONS,
    cores: describeCores(cores),
    upstream: stage.upstream.software,
    upstreamAloneRequestsPerSecond: Math.round(alone.requestsPerSecond),
    rounds: options.rounds,
    seconds: options.seconds,
    loadAverageBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
  tell(`${settings.machine}, Node ${settings.node}, ${settings.cores}`);
  tell(
    `upstream ${settings.upstream}; asked directly it gives ${settings.upstreamAloneRequestsPerSecond} requests/s`,
  );
  tell(
    `${settings.rounds} rounds of ${settings.seconds} s, ${CONNECTIONS} connections, load average ${settings.loadAverageBefore}`,
  );
  const contenders = CONTENDERS.filter(({ name }) => options.only.has(name));
  const report = summarize(await measure(contenders, stage, options, tell));
  const json = `${JSON.stringify({ settings, ...report }, undefined, 2)}\n`;
  if (options.out !== undefined) writeFileSync(options.out, json);
  process.stdout.write(options.json ? json : `\n${formatReport(report)}`);
  return report;
}

/** The options; undefined, and the exit code set, where there is nothing to measure. */
function readCommandLine(): Options | undefined {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options !== 'help') return options;
    process.stdout.write(USAGE);
  } catch (error) {
    tell(`bench: ${describeError(error)}\n\n${USAGE}`);
    process.exitCode = 2;
  }
  return undefined;
}

function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const options = readCommandLine();
if (options !== undefined) {
  try {
    const { ratios } = await run(options);
    if (options.assert && ratios.some(({ met }) => !met)) process.exitCode = 1;
  } catch (error) {
    tell(`bench: ${describeError(error)}`);
    process.exitCode = 1;
  }
}
