/**
 * `npm run demo`: records the shop with its real dependencies, kills them, and plays the recording back. Ends
 * with 0 only when the shop answered the same, byte for byte, and nothing left the machine.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findAllInCase, type Rule, readCaseFile, ruleFromHit } from '../../src/index.ts';
import { Child, killAll } from './demo/child.ts';
import { difference } from './demo/compare.ts';
import { control, type Stats } from './demo/control.ts';
import { closeConnections, send } from './demo/http.ts';
import { freePort, refusesConnections } from './demo/port.ts';
import { check, conclude, heading, show } from './demo/report.ts';
import { goShopping, type Step } from './demo/shopper.ts';
import { Tripwire } from './demo/tripwire.ts';

/** The demo never takes longer than this, in milliseconds. */
const TIME_LIMIT = 60_000;
const paymentsKey = `sk_demo_${crypto.randomUUID()}`;

const folder = mkdtempSync(join(tmpdir(), 'softprobe-demo-'));
// Also after Ctrl-C: nothing that was started or written stays.
process.once('exit', () => {
  killAll();
  rmSync(folder, { recursive: true, force: true });
});
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => process.exit(exitCode));
}
setTimeout(() => {
  console.error(`the demo took longer than ${TIME_LIMIT / 1000} s; given up`);
  process.exit(1);
}, TIME_LIMIT).unref();

try {
  process.exitCode = await runDemo();
} catch (error) {
  check(false, error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  killAll();
  closeConnections();
}

async function runDemo(): Promise<number> {
  heading('1. Start a shop, the two services it depends on, and the proxy between them');
  const inventory = await startService('inventory');
  const payments = await startService('payments', { PAYMENTS_KEY: paymentsKey });
  const { proxy, urls } = await startShopBehindProxy(inventory.url, payments.url);

  heading('2. Capture: every request of this session, and every call that it causes, is recorded');
  const recorded = await capture(urls, join(folder, 'shop.case.json'));

  heading('3. Kill the dependencies');
  for (const { child, url } of [inventory, payments]) {
    await child.stop('SIGKILL');
    check(await refusesConnections(url), `${child.name} is dead: ${url} refuses connections`);
  }

  heading('4. Replay: the same requests; the recorded answers of the dependencies are now rules');
  await using inventoryWire = await Tripwire.at(inventory.url);
  await using paymentsWire = await Tripwire.at(payments.url);
  await replay(urls, recorded);
  const connections = inventoryWire.connections + paymentsWire.connections;
  check(connections === 0, `connections to where the dependencies were: ${connections}`);

  heading('5. Stop');
  check((await proxy.stop('SIGTERM')) === 0, 'the proxy ended with exit code 0');
  return conclude();
}

interface Urls {
  ingress: string;
  egress: string;
  control: string;
}

async function startService(name: string, env: Record<string, string> = {}) {
  const child = new Child(name, [sibling(`${name}.ts`)], env);
  const line = await child.firstLine();
  check(true, line);
  return { child, url: line.slice(line.indexOf('http://')) };
}

/** The built program, as users run it, and a shop that is told of its egress listener by HTTP_PROXY only. */
async function startShopBehindProxy(inventoryUrl: string, paymentsUrl: string) {
  const shopPort = await freePort();
  const ports = ['ingress', 'egress', 'control', 'admin'].flatMap((name) => [`--${name}-port`, '0']);
  const proxy = new Child('the proxy', [
    sibling('../../bin/softprobe-proxy.js'),
    ...['start', '--json', '--app-url', `http://127.0.0.1:${shopPort}`, '--service-name', 'shop'],
    ...['--capture-dir', folder, ...ports],
  ]);
  const ready = JSON.parse(await proxy.firstLine()) as Record<keyof Urls, { url: string }>;
  const urls: Urls = {
    ingress: ready.ingress.url,
    egress: ready.egress.url,
    control: ready.control.url,
  };
  check(true, `the proxy listens on ${urls.ingress} (ingress) and ${urls.egress} (egress)`);

  const shop = new Child('the shop', ['--import', sibling('instrumentation.ts'), sibling('shop.ts')], {
    PORT: String(shopPort),
    INVENTORY_URL: inventoryUrl,
    PAYMENTS_URL: paymentsUrl,
    PAYMENTS_KEY: paymentsKey,
    HTTP_PROXY: urls.egress,
    NO_PROXY: '',
    NODE_USE_ENV_PROXY: '1',
  });
  check(true, `${await shop.firstLine()}, with HTTP_PROXY=${urls.egress}`);
  return { proxy, urls };
}

interface Recorded {
  steps: Step[];
  casePath: string;
}

async function capture(urls: Urls, casePath: string): Promise<Recorded> {
  const { sessionId } = await control<{ sessionId: string }>('POST', urls.control, '/v1/sessions', {
    mode: 'capture',
  });
  const steps = await goShopping(urls.ingress, sessionId);
  for (const { name, status, body, duration } of steps) {
    check(status < 500, `${name}: ${status}, ${body.length} bytes (${duration.toFixed(0)} ms)`);
  }
  const closed = await control<{ capturePath?: string }>(
    'POST',
    urls.control,
    `/v1/sessions/${sessionId}/close?out=shop.case.json`,
  );
  check(closed.capturePath === casePath, 'the session is closed and its case file written; in it:');
  const inspect = new Child('inspect', [
    sibling('../../bin/softprobe-proxy.js'),
    'inspect',
    'case',
    casePath,
  ]);
  console.log();
  show(await inspect.output());
  console.log();
  const text = await readFile(casePath, 'utf8');
  check(!text.includes(paymentsKey), 'the key that the shop sends to payments is not in the file');
  return { steps, casePath };
}

async function replay(urls: Urls, { steps, casePath }: Recorded): Promise<void> {
  const document = await readCaseFile(casePath);
  const { sessionId } = await control<{ sessionId: string }>('POST', urls.control, '/v1/sessions', {
    mode: 'replay',
    policy: { externalHttp: 'strict', internalHttp: 'strict' },
  });
  const session = `/v1/sessions/${sessionId}`;
  await control('POST', urls.control, `${session}/load-case`, document);
  // Each call is answered once and in recorded order. The later of two equal rules wins, hence reversed.
  const rules: Rule[] = findAllInCase(document, { direction: 'outbound' })
    .map((hit, index) => ruleFromHit(hit, { id: `call-${index + 1}`, consume: 'once' }))
    .reverse();
  await control('POST', urls.control, `${session}/rules`, { version: 1, rules });

  const replayed = await goShopping(urls.ingress, sessionId);
  for (const [at, step] of steps.entries()) {
    const again = replayed[at];
    const differs = again === undefined ? 'it was not asked' : difference(step, again);
    const times = `${again?.duration.toFixed(0)} ms, was ${step.duration.toFixed(0)} ms`;
    check(
      differs === undefined,
      `${step.name}: ${differs ?? `same status, headers and ${step.body.length} bytes`} (${times})`,
    );
  }
  const { stats } = await control<{ stats: Stats }>('GET', urls.control, `${session}/stats`);
  check(
    stats.injectedSpans === rules.length,
    `calls answered from the case: ${stats.injectedSpans} of ${rules.length}`,
  );
  check(stats.strictMisses === 0, `calls that no rule answered: ${stats.strictMisses}`);

  const unknown = await send('GET', `${urls.ingress}/products/teapot`, {
    headers: { 'x-softprobe-session-id': sessionId },
  });
  const after = await control<{ stats: Stats }>('POST', urls.control, `${session}/close`);
  check(
    unknown.status === 502 && after.stats.strictMisses === 1,
    `a request whose calls were never recorded fails instead (${unknown.status}): its call was refused, not sent`,
  );
}

function sibling(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}
