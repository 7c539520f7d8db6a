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
    const response = await fetch(`${this.#control}/v1/sessions/${this.id}/stats`);
    const { stats } = (await response.json()) as { stats: Record<string, unknown> };
    return stats;
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

type Answer = Record<string, unknown>;

async function call(url: string, body: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`POST ${url} answered ${response.status}: ${text}`);
  return JSON.parse(text) as Answer;
}
