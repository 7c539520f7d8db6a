/**
 * Load for what wrk cannot ask: forward proxies, with TLS inside their tunnels. A program of its own, so that it
 * has a core of its own; takes one JSON argument and prints one line of JSON, as load.lua makes wrk do.
 */
import { cpuSecondsOf } from './cpu-time.ts';
import type { Target } from './load.ts';
import { type Answer, LoadConnection, trustOf } from './load-connection.ts';
import { PAYLOAD } from './payload.ts';
import { percentile } from './statistics.ts';

/** The argument. */
interface Order {
  readonly target: Target;
  readonly connections: number;
  readonly seconds: number;
  /** The process whose processor time is measured; undefined: none. */
  readonly pid: number | undefined;
}

/** Between the last handshake and the first request that counts, in milliseconds: handshakes are not what is asked about. */
const SETTLING_MS = 200;

function readOrder(): Order {
  const text = process.argv[2];
  if (text === undefined) throw new Error('expected the order, in JSON, as first argument');
  return JSON.parse(text) as Order;
}

async function run({ target, connections, seconds, pid }: Order): Promise<object> {
  const latencies: number[] = [];
  const open: LoadConnection[] = [];
  const over = Promise.withResolvers<void>();
  let counting = false;
  let stopping = false;
  let underway = connections;
  let badAnswers = 0;
  const trust = trustOf(target);

  async function drive(): Promise<void> {
    let asked = 0;
    const ask = (): void => {
      asked = performance.now();
      connection.ask();
    };
    const take = ({ status, body }: Answer): void => {
      if (status !== 200 || body !== PAYLOAD) badAnswers++;
      if (counting) latencies.push(performance.now() - asked);
      if (!stopping) ask();
      else if (--underway === 0) over.resolve();
    };
    const connection = await LoadConnection.open(target, trust, take, over.reject);
    open.push(connection);
    ask();
  }

  const wait = (milliseconds: number): Promise<void> =>
    Promise.race([new Promise<void>((resolve) => setTimeout(resolve, milliseconds)), over.promise]);

  await Promise.all(Array.from({ length: connections }, drive));
  await wait(SETTLING_MS);
  const cpuBefore = pid === undefined ? Number.NaN : cpuSecondsOf(pid);
  const begun = performance.now();
  counting = true;
  await wait(seconds * 1000);
  counting = false;
  const elapsed = (performance.now() - begun) / 1000;
  const used = pid === undefined ? Number.NaN : cpuSecondsOf(pid) - cpuBefore;
  stopping = true;
  await over.promise;
  for (const connection of open) connection.close();
  return {
    requests: latencies.length,
    seconds: elapsed,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    badStatus: badAnswers,
    socketErrors: 0,
    // JSON knows no NaN.
    cpuSeconds: Number.isNaN(used) ? undefined : used,
  };
}

process.stdout.write(`result ${JSON.stringify(await run(readOrder()))}\n`);
