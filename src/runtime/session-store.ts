import type { Session } from './session.ts';

/**
 * Where the open sessions are. Synchronous, because a decision looks a session up while a request waits; a
 * store that is shared between processes would keep a local copy behind these calls.
 */
export interface SessionStore {
  readonly size: number;
  get(id: string): Session | undefined;
  /** The open session, where there is exactly one. */
  sole(): Session | undefined;
  add(session: Session): void;
  delete(id: string): void;
  /** In the order in which they were created. */
  values(): Iterable<Session>;
}

/** The open sessions of this process, in a map. */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<string, Session>();

  get size(): number {
    return this.#sessions.size;
  }

  get(id: string): Session | undefined {
    return this.#sessions.get(id);
  }

  sole(): Session | undefined {
    return this.#sessions.size === 1 ? this.#sessions.values().next().value : undefined;
  }

  add(session: Session): void {
    this.#sessions.set(session.id, session);
  }

  delete(id: string): void {
    this.#sessions.delete(id);
  }

  values(): Iterable<Session> {
    return this.#sessions.values();
  }
}
