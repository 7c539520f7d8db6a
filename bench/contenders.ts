import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { Sample, Target } from './load.ts';
import { askOnce } from './load-connection.ts';
import { PATH, PAYLOAD } from './payload.ts';
import type { Softprobe } from './softprobe.ts';
import type { Stage } from './stage.ts';

/** A contender whose process is up. */
export interface Running {
  /** The process whose work is measured. */
  readonly pid: number;
  /** Before each stretch of load. */
  open(): Promise<Target>;
  /** After it, with what the load saw: cleans up, and throws when the contender did not do its work. */
  close(sample: Sample): Promise<void>;
}

/** One row of the table. */
export interface Contender {
  readonly name: string;
  readonly description: string;
  /** How the load reaches it: by its own URL, from wrk, or as a forward proxy, from our own generator. */
  readonly access: 'direct' | 'proxy';
  /** What `x-softprobe-outcome` must say; undefined: nothing. */
  readonly outcome: 'forward' | 'mock' | undefined;
  /** @throws {Unavailable} when this machine does not have it, and cannot get it now */
  start(stage: Stage): Promise<Running>;
}

/** All rows, in the order of the table. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: 'node-http',
    description: 'node:http answering, no proxy',
    access: 'direct',
    outcome: undefined,
    start: (stage) => startPeer(stage, 'bare-http'),
  },
  {
    name: 'undici',
    description: 'bare proxy on undici dispatch',
    access: 'direct',
    outcome: undefined,
    start: (stage) => startPeer(stage, 'bare-undici'),
  },
  {
    name: 'http-proxy-3',
    description: 'http-proxy-3, keep-alive agent',
    access: 'direct',
    outcome: undefined,
    start: (stage) => startPeer(stage, 'http-proxy-3'),
  },
  {
    name: 'no-session',
    description: 'ours, request of no session',
    access: 'direct',
    outcome: undefined,
    async start(stage) {
      const { pid, url } = await stage.softprobe('no session');
      return runUnchanged(pid, { url: url + PATH, headers: [] });
    },
  },
  {
    name: 'recording',
    description: 'ours, recording',
    access: 'direct',
    outcome: 'forward',
    async start(stage) {
      const softprobe = await stage.softprobe('recording');
      return runRecording(softprobe, { url: softprobe.url + PATH, headers: [] });
    },
  },
  {
    name: 'rule-of-10',
    description: 'ours, answer of 1 rule in 10',
    access: 'direct',
    outcome: 'mock',
    start: (stage) => startRules(stage, 10),
  },
  {
    name: 'rule-of-10000',
    description: 'ours, answer of 1 rule in 10,000',
    access: 'direct',
    outcome: 'mock',
    start: (stage) => startRules(stage, 10_000),
  },
  {
    name: 'egress',
    description: 'ours as forward proxy, plain HTTP',
    access: 'proxy',
    outcome: undefined,
    async start(stage) {
      const { pid, proxy } = await stage.softprobe('egress');
      return runUnchanged(pid, { url: stage.upstream.url + PATH, headers: [], proxy });
    },
  },
  {
    name: 'intercepted',
    description: 'ours, HTTPS, request of no session',
    access: 'proxy',
    outcome: undefined,
    async start(stage) {
      const softprobe = await stage.softprobe('intercepted');
      return runUnchanged(softprobe.pid, interceptedTarget(stage, softprobe));
    },
  },
  {
    name: 'intercepted-recording',
    description: 'ours, HTTPS, recording',
    access: 'proxy',
    outcome: 'forward',
    async start(stage) {
      const softprobe = await stage.softprobe('intercepted recording');
      return runRecording(softprobe, interceptedTarget(stage, softprobe));
    },
  },
  {
    name: 'mockttp-plain',
    description: 'Mockttp as forward proxy, plain HTTP',
    access: 'proxy',
    outcome: undefined,
    async start(stage) {
      const { pid, proxy } = await stage.mockttp();
      return runUnchanged(pid, { url: stage.upstream.url + PATH, headers: [], proxy });
    },
  },
  {
    name: 'mockttp',
    description: 'Mockttp, HTTPS',
    access: 'proxy',
    outcome: undefined,
    async start(stage) {
      const mockttp = await stage.mockttp();
      return runUnchanged(mockttp.pid, interceptedTarget(stage, mockttp));
    },
  },
];

/**
 * An HTTPS URL by way of a proxy. The client trusts the proxy's authority only: a proxy that passed the
 * upstream's own certificate on would fail, and not look fast.
 */
function interceptedTarget(
  { upstream }: Stage,
  { proxy, authority }: { readonly proxy: string; readonly authority: string },
): Target {
  return { url: upstream.secureUrl + PATH, headers: [], proxy, authority };
}

/** A contender that needs nothing done before and after a stretch. */
function runUnchanged(pid: number, target: Target): Running {
  return { pid, open: async () => target, close: async () => {} };
}

async function startPeer(stage: Stage, program: string): Promise<Running> {
  const file = fileURLToPath(new URL(`contenders/${program}.ts`, import.meta.url));
  const child = stage.keep(new Child([process.execPath, file, stage.upstream.url], stage.cores.proxy));
  const url = (await child.firstLine()) + PATH;
  return runUnchanged(child.pid, { url, headers: [] });
}

/** A new session for each stretch, so that the recording in memory stays as small as a real one. */
function runRecording(softprobe: Softprobe, target: Target): Running {
  let sessionId = '';
  return {
    pid: softprobe.pid,
    async open() {
      sessionId = await softprobe.openSession('capture');
      return { ...target, headers: [`x-softprobe-session-id: ${sessionId}`] };
    },
    async close({ requests }) {
      const recorded = await softprobe.closeSession(sessionId);
      if (recorded < requests) {
        throw new Error(`only ${recorded} of ${requests} exchanges were recorded: the figure would flatter`);
      }
    },
  };
}

/** Both numbers of rules in one process: then the rules are all that differs between the two rows. */
async function startRules(stage: Stage, count: number): Promise<Running> {
  const softprobe = await stage.softprobe('rules');
  const sessionId = await softprobe.openSession('replay');
  await softprobe.applyRules(sessionId, count);
  return runUnchanged(softprobe.pid, {
    url: softprobe.url + PATH,
    headers: [`x-softprobe-session-id: ${sessionId}`],
  });
}

/**
 * Asks once and looks at the answer, before anything is measured.
 *
 * @throws when it is not the answer that this row is about
 */
export async function verify({ name, outcome }: Contender, target: Target): Promise<void> {
  const { status, head, body } = await askOnce(target);
  const said = /^x-softprobe-outcome: *(.*)$/im.exec(head)?.[1];
  if (status !== 200 || body !== PAYLOAD || said !== outcome) {
    throw new Error(
      `${name}: expected 200, outcome ${outcome ?? '(none)'} and the payload, got ${status}, outcome ${said ?? '(none)'} and ${JSON.stringify(body.slice(0, 200))}`,
    );
  }
}
