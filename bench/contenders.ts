import { fileURLToPath } from 'node:url';
import { Child } from './child.ts';
import type { Sample } from './load.ts';
import { PATH, PAYLOAD } from './payload.ts';
import type { Stage } from './stage.ts';

/** Where the load goes in one stretch. */
export interface Target {
  readonly url: string;
  /** Header lines such as `name: value`. */
  readonly headers: readonly string[];
}

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
  /** What `x-softprobe-outcome` must say; undefined: nothing. */
  readonly outcome: 'forward' | 'mock' | undefined;
  start(stage: Stage): Promise<Running>;
}

/** All rows, in the order of the table. */
export const CONTENDERS: readonly Contender[] = [
  {
    name: 'node-http',
    description: 'node:http answering, no proxy',
    outcome: undefined,
    start: (stage) => startPeer(stage, 'bare-http'),
  },
  {
    name: 'undici',
    description: 'bare proxy on undici dispatch',
    outcome: undefined,
    start: (stage) => startPeer(stage, 'bare-undici'),
  },
  {
    name: 'http-proxy-3',
    description: 'http-proxy-3, keep-alive agent',
    outcome: undefined,
    start: (stage) => startPeer(stage, 'http-proxy-3'),
  },
  {
    name: 'no-session',
    description: 'ours, request of no session',
    outcome: undefined,
    async start(stage) {
      const { pid, url } = await stage.softprobe('no session');
      return runUnchanged(pid, { url: url + PATH, headers: [] });
    },
  },
  {
    name: 'recording',
    description: 'ours, recording',
    outcome: 'forward',
    start: startRecording,
  },
  {
    name: 'rule-of-10',
    description: 'ours, answer of 1 rule in 10',
    outcome: 'mock',
    start: (stage) => startRules(stage, 10),
  },
  {
    name: 'rule-of-10000',
    description: 'ours, answer of 1 rule in 10,000',
    outcome: 'mock',
    start: (stage) => startRules(stage, 10_000),
  },
];

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
async function startRecording(stage: Stage): Promise<Running> {
  const softprobe = await stage.softprobe('recording');
  let sessionId = '';
  return {
    pid: softprobe.pid,
    async open() {
      sessionId = await softprobe.openSession('capture');
      return { url: softprobe.url + PATH, headers: [`x-softprobe-session-id: ${sessionId}`] };
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
export async function verify({ name, outcome }: Contender, { url, headers }: Target): Promise<void> {
  const answer = await fetch(url, {
    headers: headers.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  });
  const body = await answer.text();
  const said = answer.headers.get('x-softprobe-outcome') ?? undefined;
  if (answer.status !== 200 || body !== PAYLOAD || said !== outcome) {
    throw new Error(
      `${name}: expected 200, outcome ${outcome ?? '(none)'} and the payload, got ${answer.status}, outcome ${said ?? '(none)'} and ${JSON.stringify(body.slice(0, 200))}`,
    );
  }
}
