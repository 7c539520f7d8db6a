import { type Logger, pino } from 'pino';
import {
  type AuthFixtures,
  type CaseDocument,
  type Direction,
  type Exchange,
  type Hop,
  type HopDescription,
  InvalidDocumentError,
  type Policy,
  Redactor,
  type Rule,
  type SessionRequest,
  type Span,
  type TracesData,
  type WritableCase,
} from '../cases/index.ts';
import { parseOut } from './capture-path.ts';
import { captureCase } from './capture-writer.ts';
import { RuntimeCounters } from './counters.ts';
import type { Decision, Forward, Respond, Runtime, SessionTicket, UncorrelatedRequest } from './decision.ts';
import { hopFromDescription } from './described-hop.ts';
import { RuntimeError } from './errors.ts';
import { IdleTimer } from './idle-timer.ts';
import { RuntimeMetrics } from './metrics.ts';
import { Recording, type RecordingLimits } from './recording.ts';
import { Session } from './session.ts';
import { type ClosedSession, SessionCloser, type UnclosedSession } from './session-closer.ts';
import { createSessionId, maskSessionId } from './session-id.ts';
import {
  type ChangedSession,
  type CreatedSession,
  type ExplainedHop,
  type ListedSession,
  listSession,
  type ReportedMisses,
  type ReportedUncorrelated,
  reportMisses,
  reportState,
  reportStats,
  reportUncorrelated,
  type SessionSnapshot,
  type SessionState,
} from './session-report.ts';
import { MemorySessionStore, type SessionStore } from './session-store.ts';
import { Uncorrelated } from './uncorrelated.ts';

export interface LocalRuntimeOptions {
  /** Folder of case files; made when the first one is written. */
  captureDir: string;
  /** Exact file for the case of a session that is closed without `out`. */
  captureFile?: string;
  /** Idle time-out in milliseconds, one hour by default. Expiry closes the session and writes its capture. */
  sessionTtlMs?: number;
  /** Most open sessions, 1000 by default. */
  maxSessions?: number;
  /** Bytes kept of each body, 1 MiB by default. */
  maxRecordedBody?: number;
  /** Bytes kept of each session's recording, 512 MiB by default; beyond it bodies are left out. */
  maxRecordedBytes?: number;
  /** What to hide beyond the usual secrets; `false` hides nothing. */
  redact?: false | { headers?: string[]; bodyPaths?: string[] };
  /** `sp.service.name` of the proxy in this process, for hops that are only described. */
  serviceName?: string;
  /** Silent by default. */
  logger?: Logger;
}

/** A capture: of an open session its document so far, of a closed one the file that was written. */
export type Capture =
  | { readonly kind: 'open'; readonly document: WritableCase }
  | { readonly kind: 'written'; readonly path: string };

/**
 * The runtime of this process: sessions, their rules and recordings. The proxy calls it through
 * {@link Runtime}, people through the control API; both see every change at once, since there is one copy.
 *
 * Documents that are handed in have been validated against their schemas; what a schema cannot say (a
 * pattern that does not compile) is found here and thrown as `InvalidDocumentError`, with nothing changed.
 * A session id that is not open is a {@link RuntimeError} `unknown_session`.
 */
export class LocalRuntime implements Runtime {
  readonly counters = new RuntimeCounters();
  readonly metrics = new RuntimeMetrics(this.counters, () => this.#sessions.size);
  readonly logger: Logger;
  readonly #options: LocalRuntimeOptions;
  readonly #recordingLimits: RecordingLimits;
  readonly #sessions: SessionStore = new MemorySessionStore();
  readonly #uncorrelated = new Uncorrelated();
  readonly #closer: SessionCloser;
  readonly #idleTimer = new IdleTimer(() => this.#closer.closeIdle());

  constructor(options: LocalRuntimeOptions) {
    this.#options = options;
    this.logger = options.logger ?? pino({ level: 'silent' });
    this.#recordingLimits = {
      maxBody: options.maxRecordedBody ?? 1024 * 1024,
      maxBytes: options.maxRecordedBytes ?? 512 * 1024 * 1024,
    };
    const { captureDir, captureFile } = options;
    this.#closer = new SessionCloser(
      this.#sessions,
      { captureDir, captureFile },
      this.#uncorrelated,
      this.logger,
    );
    // A bad JSONPath is found now and not when the first session is created.
    if (options.redact) new Redactor(options.redact);
  }

  // What the proxy calls.

  findSession(id: string): Session | undefined {
    const session = this.#sessions.get(id);
    if (session !== undefined) session.lastUsed = Date.now();
    return session;
  }

  hasOpenSessions(): boolean {
    return this.#sessions.size > 0;
  }

  soleSession(): Session | undefined {
    const session = this.#sessions.sole();
    if (session !== undefined) session.lastUsed = Date.now();
    return session;
  }

  countUnknownSession(direction: Direction): void {
    this.counters.uncorrelated[direction]++;
  }

  noteUncorrelated(request: UncorrelatedRequest): void {
    this.#uncorrelated.note(request);
  }

  decide(ticket: SessionTicket, hop: Hop): Decision {
    const decision = ownSession(ticket).decide(hop);
    this.counters.countDecision(hop, decision);
    return decision;
  }

  decideTunnel(ticket: SessionTicket, hop: Hop): Forward | Respond {
    const decision = ownSession(ticket).decideTunnel(hop);
    if (decision.kind === 'respond') this.counters.countDecision(hop, decision);
    return decision;
  }

  letsTunnelOut(authority: string): boolean {
    const description = { direction: 'outbound', method: 'CONNECT', url: `https://${authority}/` } as const;
    for (const session of this.#sessions.values()) {
      const hop = hopFromDescription(description, { sessionId: session.id, service: '' });
      if (session.rulebook.decideTunnel(hop, false).kind === 'respond') return false;
    }
    return true;
  }

  countTunnel(ticket: SessionTicket, hop: Hop, decision: Forward): void {
    ownSession(ticket).countTunnel(hop, decision);
    this.counters.countDecision(hop, decision);
  }

  begin(ticket: SessionTicket, exchange: Exchange): number {
    const session = ownSession(ticket);
    const allowance = session.recording.begin(exchange);
    if (session.recording.dropped === 1) this.#warnOfFullRecording(session);
    return allowance;
  }

  finish(ticket: SessionTicket, exchange: Exchange): void {
    const session = ownSession(ticket);
    const bytes = session.recording.finish(exchange);
    if (bytes === undefined) return;
    session.countExtracted();
    this.counters.extractedSpans++;
    this.counters.extractedBytes += bytes;
  }

  /**
   * Takes in an `extract` span of a proxy outside. It is counted, and kept where the session records everything
   * or a `capture_only` rule names the hop.
   *
   * @param traces the span alone in what surrounds it, as it came
   * @param bytes about its size
   */
  receiveSpan(ticket: SessionTicket, hop: Hop, span: Span, traces: TracesData, bytes: number): void {
    const session = ownSession(ticket);
    session.countExtracted();
    this.counters.extractedSpans++;
    this.counters.extractedBytes += Math.round(bytes);
    session.receive(hop, span, traces, bytes);
  }

  // What people call.

  /** @throws {RuntimeError} `unknown_session` */
  demandSession(id: string): void {
    this.#open(id);
  }

  /** @throws {RuntimeError} `too_many_sessions` */
  createSession(request: SessionRequest): CreatedSession {
    const { maxSessions = 1000, sessionTtlMs = 3_600_000, redact } = this.#options;
    if (this.#sessions.size >= maxSessions) {
      throw new RuntimeError(
        'too_many_sessions',
        `${maxSessions} sessions are open, the most that are accepted: close some, or start with a higher --max-sessions`,
      );
    }
    const session = new Session({
      id: createSessionId(),
      mode: request.mode,
      caseId: request.caseId,
      ttlMs: request.ttlSeconds === undefined ? sessionTtlMs : request.ttlSeconds * 1000,
      recording: new Recording(this.#recordingLimits),
      redactor: redact === false ? undefined : new Redactor(redact),
      uncorrelatedBefore: this.#uncorrelated.total,
    });
    if (request.policy !== undefined) startWithPolicy(session, request.policy);
    this.#sessions.add(session);
    this.#idleTimer.noLaterThan(session.lastUsed + session.ttlMs);
    this.counters.sessions[session.mode]++;
    this.#log(session).info({ mode: session.mode }, 'session created');
    return {
      sessionId: session.id,
      sessionRevision: session.revision,
      mode: session.mode,
      createdAt: session.createdAt.toISOString(),
    };
  }

  /** The open sessions, oldest first. */
  sessions(): ListedSession[] {
    return Array.from(this.#sessions.values(), listSession);
  }

  /** Keeps the case and makes its rules the case layer. */
  loadCase(id: string, document: CaseDocument): ChangedSession & { caseId: string; traceCount: number } {
    const session = this.#open(id);
    const warnings = session.loadCase(document);
    return {
      ...this.#changed(session, 'case loaded', warnings),
      caseId: document.caseId,
      traceCount: document.traces.length,
    };
  }

  /** Replaces all session rules. */
  setRules(
    id: string,
    document: { readonly rules: readonly Rule[] },
  ): ChangedSession & { ruleCount: number } {
    const session = this.#open(id);
    const warnings = session.setRules(document.rules);
    return { ...this.#changed(session, 'rules set', warnings), ruleCount: document.rules.length };
  }

  setPolicy(id: string, policy: Policy): ChangedSession {
    const session = this.#open(id);
    session.setPolicy(policy);
    return this.#changed(session, 'policy set');
  }

  setAuthFixtures(id: string, fixtures: AuthFixtures): ChangedSession {
    const session = this.#open(id);
    session.setFixtures(fixtures);
    return this.#changed(session, 'fixtures set');
  }

  stats(id: string): SessionSnapshot {
    return reportStats(this.#open(id));
  }

  state(id: string): SessionState {
    return reportState(this.#open(id));
  }

  /** The strict misses of a session, each with a rule that would have matched. */
  misses(id: string): ReportedMisses {
    return reportMisses(this.#open(id));
  }

  /**
   * What the session would do with a hop, and why. Changes nothing and counts nothing.
   *
   * @throws {InvalidDocumentError} where the URL is none
   */
  explain(id: string, description: HopDescription): ExplainedHop {
    const session = this.#open(id);
    const { serviceName: service = '' } = this.#options;
    const hop = hopFromDescription(description, { sessionId: id, service });
    return {
      sessionId: id,
      sessionRevision: session.revision,
      ...session.rulebook.explain(hop, session.recordsAll),
    };
  }

  /** The last outbound requests that no session claimed. */
  uncorrelated(): ReportedUncorrelated {
    return reportUncorrelated(this.#uncorrelated);
  }

  /**
   * The capture of an open session so far, or of one of the last closed ones.
   *
   * @throws {RuntimeError} `unknown_session`, or `not_found` where a closed session had recorded nothing
   */
  capture(id: string): Capture {
    if (!this.#closer.captures.has(id)) return { kind: 'open', document: captureCase(this.#open(id)) };
    const path = this.#closer.captures.pathOf(id);
    if (path === undefined)
      throw new RuntimeError('not_found', 'the session is closed and had recorded nothing');
    return { kind: 'written', path };
  }

  /**
   * Closes a session: waits a second at most for exchanges in flight, writes the case where there is one,
   * forgets the session. Where writing fails the session stays open, and the call can be repeated. Of two
   * calls at once the second waits for the first, and finds the session gone if that one succeeded.
   *
   * @param options.out the case file, relative to the capture folder
   * @throws {RuntimeError} `capture_write_failed`; `invalid_request` for an `out` that leads elsewhere
   */
  async close(id: string, { out }: { out?: string } = {}): Promise<ClosedSession> {
    const segments = out === undefined ? undefined : parseOut(out);
    const closed = await this.#closer.close(this.#open(id), segments);
    if (closed === undefined) throw unknownSession(id);
    return closed;
  }

  /** Shutdown: closes every session and tells how it went for each. Never throws. */
  closeAll(): Promise<(ClosedSession | UnclosedSession)[]> {
    this.#idleTimer.stop();
    return this.#closer.closeAll();
  }

  #open(id: string): Session {
    const session = this.findSession(id);
    if (session === undefined) throw unknownSession(id);
    return session;
  }

  #changed(session: Session, what: string, warnings: readonly string[] = []): ChangedSession {
    const log = this.#log(session);
    log.debug({ revision: session.revision }, what);
    for (const warning of warnings) log.warn(warning);
    return {
      sessionId: session.id,
      sessionRevision: session.revision,
      ...(warnings.length > 0 && { warnings }),
    };
  }

  #warnOfFullRecording(session: Session): void {
    this.#log(session).warn('the recording is full: hops are no longer recorded');
  }

  #log(session: Session): Logger {
    return this.logger.child({ session: maskSessionId(session.id) });
  }
}

function unknownSession(id: string): RuntimeError {
  return new RuntimeError(
    'unknown_session',
    `no session ${JSON.stringify(maskSessionId(id))} is open: it was never created, was closed, or was idle for too long`,
  );
}

/** The proxy hands back what {@link LocalRuntime.findSession} gave it. */
function ownSession(ticket: SessionTicket): Session {
  if (ticket instanceof Session) return ticket;
  throw new TypeError('expected a session ticket of this runtime');
}

function startWithPolicy(session: Session, policy: Policy): void {
  try {
    session.startWithPolicy(policy);
  } catch (error) {
    if (!(error instanceof InvalidDocumentError)) throw error;
    const issues = error.issues.map(({ pointer, message }) => ({ pointer: `/policy${pointer}`, message }));
    throw new InvalidDocumentError('session', issues);
  }
}
