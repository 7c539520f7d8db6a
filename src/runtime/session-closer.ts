import type { Logger } from 'pino';
import { type CaptureTarget, writeCapture } from './capture-writer.ts';
import { closeWarnings } from './close-warning.ts';
import { ClosedCaptures } from './closed-captures.ts';
import type { Session, SessionStats } from './session.ts';
import { maskSessionId } from './session-id.ts';
import type { SessionStore } from './session-store.ts';
import type { Uncorrelated } from './uncorrelated.ts';

export interface ClosedSession {
  readonly sessionId: string;
  readonly closed: true;
  /** Absolute path of the case file; absent where there was nothing to write. */
  readonly capturePath?: string;
  readonly stats: SessionStats;
  /** Beyond: what is probably wrong with how the app was set up; absent where there is nothing to say. */
  readonly warnings?: readonly string[];
}

/** A session that a shutdown could not close: its capture could not be written. */
export interface UnclosedSession {
  readonly sessionId: string;
  readonly closed: false;
  readonly error: Error;
}

/** How long a close waits for exchanges that are still in flight, in milliseconds. */
const IN_FLIGHT_WAIT = 1000;

/**
 * Ends sessions. A session that recorded something leaves a case file; until that is written it stays open,
 * so that a full disk loses nothing.
 */
export class SessionCloser {
  /** The sessions closed last. */
  readonly captures = new ClosedCaptures();
  readonly #store: SessionStore;
  readonly #target: CaptureTarget;
  readonly #uncorrelated: Uncorrelated;
  readonly #logger: Logger;
  /** Sessions that are being closed, each with the promise that this attempt is over. */
  readonly #attempts = new Map<Session, Promise<void>>();

  constructor(store: SessionStore, target: CaptureTarget, uncorrelated: Uncorrelated, logger: Logger) {
    this.#store = store;
    this.#target = target;
    this.#uncorrelated = uncorrelated;
    this.#logger = logger;
  }

  /**
   * Of two calls at once the second waits for the first.
   *
   * @param out where to write the case, as `parseOut` read it
   * @returns undefined where another call has closed the session meanwhile
   * @throws {RuntimeError} what `writeCapture` throws; the session is open then
   */
  async close(
    session: Session,
    out: readonly string[] | undefined,
    waitMs: number = IN_FLIGHT_WAIT,
  ): Promise<ClosedSession | undefined> {
    for (let other = this.#attempts.get(session); other; other = this.#attempts.get(session)) await other;
    if (this.#store.get(session.id) !== session) return undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#attempts.set(session, promise);
    try {
      return await this.#closeNow(session, out, waitMs);
    } finally {
      this.#attempts.delete(session);
      resolve();
    }
  }

  /** Closes every session. Never throws. */
  async closeAll(): Promise<(ClosedSession | UnclosedSession)[]> {
    const sessions = [...this.#store.values()];
    // All wait at the same time; the files are written one after another, since they may be large.
    await Promise.all(sessions.map(({ recording }) => recording.whenIdle(IN_FLIGHT_WAIT)));
    const results: (ClosedSession | UnclosedSession)[] = [];
    for (const session of sessions) {
      try {
        const closed = await this.close(session, undefined, 0);
        if (closed !== undefined) results.push(closed);
      } catch (error) {
        this.#logOf(session).error({ err: error }, 'session not closed: its capture is lost');
        results.push({ sessionId: session.id, closed: false, error: error as Error });
      }
    }
    return results;
  }

  /**
   * Starts to close what nobody has used for its time to live.
   *
   * @returns when the next session is due, in milliseconds since the Unix epoch; `Infinity` without any
   */
  closeIdle(): number {
    const now = Date.now();
    let next = Number.POSITIVE_INFINITY;
    for (const session of this.#store.values()) {
      if (session.lastUsed + session.ttlMs <= now) {
        // A response that streams for hours is a sign of life; and a close that fails is tried again later.
        session.lastUsed = now;
        if (session.recording.inFlight === 0) this.#closeIdleSession(session);
      }
      next = Math.min(next, session.lastUsed + session.ttlMs);
    }
    return next;
  }

  async #closeNow(
    session: Session,
    out: readonly string[] | undefined,
    waitMs: number,
  ): Promise<ClosedSession> {
    // Until then the session works as ever: what is in flight may still need its rules.
    await session.recording.whenIdle(waitMs);
    const unfinished = session.recording.inFlight;
    const hops = session.recording.snapshot();
    let capturePath: string | undefined;
    if (session.recordsAll || hops.length > 0)
      capturePath = await writeCapture(session, hops, this.#target, out);
    this.#store.delete(session.id);
    this.captures.remember(session.id, capturePath);
    const log = this.#logOf(session);
    log.info(
      // A case file that nobody named is named after the session, and captures can be asked for by its id.
      {
        capturePath: capturePath?.replaceAll(session.id, maskSessionId(session.id)),
        hops: hops.length,
        unfinished,
      },
      'session closed',
    );
    const warnings = closeWarnings(session, this.#uncorrelated);
    for (const warning of warnings) log.warn(warning);
    const { stats } = session;
    return {
      sessionId: session.id,
      closed: true,
      ...(capturePath !== undefined && { capturePath }),
      // The unfinished ones stand in the case, so they count.
      stats: { ...stats, extractedSpans: stats.extractedSpans + unfinished },
      ...(warnings.length > 0 && { warnings }),
    };
  }

  #closeIdleSession(session: Session): void {
    const log = this.#logOf(session);
    log.info({ ttlMs: session.ttlMs }, 'session idle for too long: closing it');
    this.close(session, undefined).catch((error: unknown) => {
      log.error({ err: error }, 'idle session not closed: trying again later');
    });
  }

  #logOf(session: Session): Logger {
    return this.#logger.child({ session: maskSessionId(session.id) });
  }
}
