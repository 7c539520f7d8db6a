/** How fast we are, next to what people would use instead: `npm run bench`. See CONTRIBUTING.md, "Measure". */
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { CONTENDERS, type Contender } from './contenders.ts';
import { chooseCores, describeCores } from './cores.ts';
import { applyLoad, CONNECTIONS, requireWrk, type Target } from './load.ts';
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
  const contenders = CONTENDERS.filter(({ name }) => options.only.has(name));
  if (contenders.some(({ access }) => access === 'direct')) requireWrk();
  const cores = chooseCores();
  await using stage = await Stage.open(cores, tell);
  const alone = await askUpstream(stage, contenders);
  const settings = {
    date: new Date().toISOString(),
    machine: `${availableParallelism()} x ${cpus()[0]?.model.trim() ?? 'unknown processor'}`,
    node: process.version,
    connections: CONNECTIONS,
    cores: describeCores(cores),
    upstream: stage.upstream.software,
    upstreamAlone: alone,
    rounds: options.rounds,
    seconds: options.seconds,
    loadAverageBefore: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
  tell(`${settings.machine}, Node ${settings.node}, ${settings.cores}`);
  for (const [how, rate] of Object.entries(alone)) {
    tell(`upstream ${settings.upstream}; asked directly (${how}) it gives ${rate} requests/s`);
  }
  tell(
    `${settings.rounds} rounds of ${settings.seconds} s, ${CONNECTIONS} connections, load average ${settings.loadAverageBefore}`,
  );
  const report = summarize(await measure(contenders, stage, options));
  const json = `${JSON.stringify({ settings, ...report }, undefined, 2)}\n`;
  if (options.out !== undefined) writeFileSync(options.out, json);
  process.stdout.write(options.json ? json : `\n${formatReport(report)}`);
  return report;
}

/**
 * What the load and the upstream can do with no proxy between them, in requests/s: several times what is measured
 * through one, or the figures are theirs.
 */
async function askUpstream(
  { upstream, cores }: Stage,
  contenders: readonly Contender[],
): Promise<Record<string, number>> {
  const targets: readonly (readonly [Contender['access'], string, Target])[] = [
    ['direct', 'HTTP, wrk', { url: upstream.url + PATH, headers: [] }],
    [
      'proxy',
      'HTTPS, our generator',
      { url: upstream.secureUrl + PATH, headers: [], authority: upstream.authority },
    ],
  ];
  const rates: Record<string, number> = {};
  for (const [access, how, target] of targets) {
    if (!contenders.some((contender) => contender.access === access)) continue;
    const { requestsPerSecond } = await applyLoad(target, { seconds: 1, core: cores.load, pid: undefined });
    rates[how] = Math.round(requestsPerSecond);
  }
  return rates;
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
