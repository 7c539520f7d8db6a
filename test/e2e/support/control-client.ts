import { readFile } from 'node:fs/promises';
import type { CaseDocument, Policy, Rule, SessionRequest } from '../../../src/cases/documents.generated.ts';

/** A session, spoken to by plain HTTP: what any client of the control API does. */
export class Session {
  readonly id: string;
  readonly #control: string;

  constructor(control: string, id: string) {
    this.#control = control;
    this.id = id;
  }

  static async open(control: string, request: SessionRequest): Promise<Session> {
    const { sessionId } = await call(`${control}/v1/sessions`, request);
    if (typeof sessionId !== 'string')
      throw new Error(`expected a sessionId, got ${JSON.stringify(sessionId)}`);
    return new Session(control, sessionId);
  }

  setRules(rules: readonly Rule[]): Promise<Answer> {
    return this.#call('rules', { version: 1, rules });
  }

  setPolicy(policy: Policy): Promise<Answer> {
    return this.#call('policy', policy);
  }

  loadCase(document: CaseDocument): Promise<Answer> {
    return this.#call('load-case', document);
  }

  /** Spans recorded and answers given so far. */
  async stats(): Promise<Record<string, unknown>> {
    const { stats } = await read(`${this.#control}/v1/sessions/${this.id}/stats`);
    return stats as Record<string, unknown>;
  }

  /** What would happen to a hop, and why. */
  explain(hop: Record<string, unknown>): Promise<Answer> {
    return this.#call('explain', hop);
  }

  /** The strict misses so far, newest first. */
  misses(): Promise<Answer> {
    return read(`${this.#control}/v1/sessions/${this.id}/misses`);
  }

  /** Closes the session and reads the case file that the answer names. */
  async closeToCase(): Promise<CaseDocument> {
    const { capturePath } = await this.close();
    if (typeof capturePath !== 'string') throw new Error('the close answered no capturePath');
    return JSON.parse(await readFile(capturePath, 'utf8')) as CaseDocument;
  }

  close(): Promise<Answer> {
    return this.#call('close', {});
  }

  #call(what: string, body: unknown): Promise<Answer> {
    return call(`${this.#control}/v1/sessions/${this.id}/${what}`, body);
  }
}

/** What the control API answered. */
export type Answer = Record<string, unknown>;

/** GETs from the control API. @throws when it does not answer 200 */
export function read(url: string): Promise<Answer> {
  return send(url, { method: 'GET' });
}

function call(url: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return send(url, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function send(url: string, init: RequestInit & { method: string }): Promise<Answer> {
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${init.method} ${url} answered ${response.status}: ${text}`);
  return JSON.parse(text) as Answer;
}
