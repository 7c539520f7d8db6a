import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openAuthority } from '../src/authority/index.ts';
import { Child } from './child.ts';
import { PATH, PAYLOAD } from './payload.ts';
import { makeScratchFolder } from './scratch.ts';
import type { Upstream } from './upstream.ts';

const program = fileURLToPath(new URL('../bin/softprobe-proxy.js', import.meta.url));

/** The built program, started as a user starts it, and the few calls of its control API that are needed here. */
export class Softprobe {
  readonly #child: Child;
  readonly #captureFolder: string;
  readonly #control: string;
  readonly pid: number;
  /** The ingress listener. */
  readonly url: string;
  /** The egress listener, a forward proxy. */
  readonly proxy: string;
  /** PEM file of the authority that signs what it shows to clients. */
  readonly authority: string;

  private constructor(child: Child, captureFolder: string, authority: string, ready: string) {
    this.#child = child;
    this.pid = child.pid;
    this.#captureFolder = captureFolder;
    this.authority = authority;
    this.url = readUrl(ready, 'ingress');
    this.proxy = readUrl(ready, 'egress');
    this.#control = readUrl(ready, 'control');
  }

  static async start(upstream: Upstream, core: number | undefined): Promise<Softprobe> {
    const captureFolder = makeScratchFolder();
    const authorityFolder = join(makeScratchFolder(), 'authority');
    const { certFile } = await openAuthority({ folder: authorityFolder });
    const anyPort = ['ingress', 'egress', 'control', 'admin'].map((listener) => `--${listener}-port=0`);
    const child = new Child(
      [
        process.execPath,
        program,
        'start',
        '--json',
        '--log-level=warn',
        `--app-url=${upstream.url}`,
        `--capture-dir=${captureFolder}`,
        `--ca-dir=${authorityFolder}`,
        `--upstream-ca=${upstream.authority}`,
        ...anyPort,
      ],
      core,
      { SOFTPROBE_API_TOKEN: undefined, SOFTPROBE_CAPTURE_CASE_PATH: undefined },
    );
    const ready = await child.firstLine();
    return new Softprobe(child, captureFolder, certFile, ready);
  }

  async openSession(mode: 'capture' | 'replay'): Promise<string> {
    const answer = await this.#call('/v1/sessions', { mode });
    return readField(answer, 'sessionId', 'string');
  }

  /**
   * Gives a session exact rules, one for each of `/items/0` to `/items/<count - 1>`, with the one that the
   * load asks for in the middle.
   */
  async applyRules(sessionId: string, count: number): Promise<void> {
    const middle = Math.floor(count / 2);
    const rules = Array.from({ length: count }, (_, index) => ({
      id: `rule-${index}`,
      when: {
        direction: 'inbound',
        method: 'GET',
        host: '127.0.0.1',
        path: index === middle ? PATH : `/items/other-${index}`,
      },
      then: {
        action: 'mock',
        response: { status: 200, headers: { 'content-type': 'application/json' }, body: PAYLOAD },
      },
    }));
    await this.#call(`/v1/sessions/${sessionId}/rules`, { version: 1, rules });
  }

  /**
   * Closes a session and throws its case file away.
   *
   * @returns how many exchanges it recorded
   */
  async closeSession(sessionId: string): Promise<number> {
    const { stats } = await this.#call(`/v1/sessions/${sessionId}/close`, {});
    for (const name of readdirSync(this.#captureFolder)) rmSync(join(this.#captureFolder, name));
    return readField(stats, 'extractedSpans', 'number');
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }

  async #call(path: string, body: object): Promise<Record<string, unknown>> {
    const answer = await fetch(this.#control + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`POST ${path} answered ${answer.status}: ${text.slice(0, 400)}`);
    return JSON.parse(text) as Record<string, unknown>;
  }
}

/** The URL of one listener in the ready line. */
function readUrl(ready: string, listener: string): string {
  const parsed: unknown = JSON.parse(ready);
  return readField(readField(parsed, listener, 'object'), 'url', 'string');
}

interface Kinds {
  string: string;
  number: number;
  object: object;
}

function readField<Kind extends keyof Kinds>(value: unknown, key: string, kind: Kind): Kinds[Kind] {
  const field: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  if (typeof field === kind) return field as Kinds[Kind];
  throw new Error(`expected a ${kind} under ${JSON.stringify(key)}, got ${JSON.stringify(value)}`);
}
