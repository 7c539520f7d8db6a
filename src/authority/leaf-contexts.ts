import { createSecureContext, type SecureContext } from 'node:tls';
import type { Authority } from './authority.ts';
import { subjectHost } from './subject-host.ts';

/** Hosts whose contexts are kept; one takes some 20 KB. */
const DEFAULT_MAX = 1024;

/** A context is made anew a day before its leaf ends: connections that begin with it may last. Milliseconds. */
const RENEWAL_MARGIN = 24 * 60 * 60 * 1000;

interface HeldContext {
  readonly context: SecureContext;
  /** Milliseconds since the epoch; from then on the leaf is too old to begin with. */
  readonly renewAt: number;
}

/**
 * Secure contexts by host: made on demand without blocking, bounded (the one used longest ago goes first), renewed
 * before they expire. Requests for a host that is being made share one promise; a failure is told to those who
 * waited for it and not remembered.
 */
export class LeafContexts {
  readonly #authority: Authority;
  readonly #max: number;
  /** By canonical host, in the order of their last use. */
  readonly #held = new Map<string, HeldContext>();
  readonly #pending = new Map<string, Promise<SecureContext>>();

  constructor(authority: Authority, { max = DEFAULT_MAX }: { max?: number } = {}) {
    this.#authority = authority;
    this.#max = max;
  }

  /**
   * The context to show to a client that wants to talk to `host`.
   *
   * @returns at once where the host is known; else a promise, which rejects with an {@link AuthorityError} for a host
   *   that no certificate can be made for, or when the authority has expired
   */
  contextFor(host: string): SecureContext | Promise<SecureContext> {
    // Nearly every host comes in its canonical form; the others are read first.
    return this.#heldContext(host) ?? this.#contextForOther(host);
  }

  #heldContext(name: string): SecureContext | undefined {
    const held = this.#held.get(name);
    if (held === undefined || held.renewAt <= Date.now()) return undefined;
    this.#held.delete(name);
    this.#held.set(name, held);
    return held.context;
  }

  #contextForOther(host: string): SecureContext | Promise<SecureContext> {
    let name: string;
    try {
      name = subjectHost(host).name;
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#heldContext(name) ?? this.#pending.get(name) ?? this.#begin(name);
  }

  #begin(name: string): Promise<SecureContext> {
    const made = this.#make(name).finally(() => this.#pending.delete(name));
    this.#pending.set(name, made);
    return made;
  }

  async #make(name: string): Promise<SecureContext> {
    const { certificate, key, expires } = await this.#authority.issue(name);
    const context = createSecureContext({ cert: certificate, key });
    // Near the end of the authority itself leaves are short; half of what is left serves them.
    const margin = Math.min(RENEWAL_MARGIN, (expires - Date.now()) / 2);
    this.#held.delete(name);
    this.#held.set(name, { context, renewAt: expires - margin });
    for (const oldest of this.#held.keys()) {
      if (this.#held.size <= this.#max) break;
      this.#held.delete(oldest);
    }
    return context;
  }
}
