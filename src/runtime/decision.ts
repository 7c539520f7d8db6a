import type { Direction, Exchange, ExtraRedaction, Hop } from '../cases/index.ts';
import type { NearMiss } from './explanation.ts';

/** A response whose bytes are ready: built when a rule arrives, not when a request does. */
export interface PreparedResponse {
  readonly status: number;
  /** Flat list, hop-by-hop fields dropped, `content-length` computed. What the OTLP API reports. */
  readonly headers: readonly string[];
  /** `headers` and after them `x-softprobe-outcome` and `x-softprobe-rule`. What the proxy writes. */
  readonly wireHeaders: readonly string[];
  /** Content-coded where `headers` has a content-encoding. Empty for 204 and 304. */
  readonly body: Uint8Array;
  /** A small `body` as a latin-1 string, one char an octet: written together with the head, in one write. */
  readonly bodyText: string | undefined;
}

/** A rule that could still win looks at the request body: read it, set `hop.body`, ask again. */
export interface NeedBody {
  readonly kind: 'need-body';
}

/** Answer here; nothing leaves the machine. */
export interface Respond {
  readonly kind: 'respond';
  readonly outcome: 'mock' | 'error' | 'strict-miss';
  readonly rule: string | undefined;
  readonly response: PreparedResponse;
  /** Milliseconds to wait before the answer's first byte. */
  readonly latencyMs: number;
  readonly record: boolean;
  /** With a strict miss: the rules that came nearest to deciding, the nearest first. */
  readonly nearMisses?: readonly NearMiss[];
}

/** Let the request go where it was going. */
export interface Forward {
  readonly kind: 'forward';
  /** Label of the `passthrough` or `capture_only` rule that said so, if one did. */
  readonly rule: string | undefined;
  readonly record: boolean;
  readonly redaction: ExtraRedaction | undefined;
}

/** What the runtime says about a hop. */
export type Decision = NeedBody | Respond | Forward;

/** A session as the proxy sees it: a ticket that it hands back. */
export interface SessionTicket {
  readonly id: string;
}

/** An outbound request that no session claimed. */
export interface UncorrelatedRequest {
  readonly method: string;
  readonly host: string;
  /** Without the query, which may hold secrets. */
  readonly path: string;
  readonly hadTraceparent: boolean;
  /** It named a session, which is not open. */
  readonly namedUnknownSession: boolean;
}

/**
 * All that the proxy knows of the runtime. `decide` is synchronous and does no I/O; a runtime across the
 * network would answer the same calls from a local copy of the rules.
 */
export interface Runtime {
  /** The open session with this id. Also counts as a sign of life for its idle time-out. */
  findSession(id: string): SessionTicket | undefined;
  /** Counts a request that named a session which is not open (CONTRACT section 2). */
  countUnknownSession(direction: Direction): void;
  hasOpenSessions(): boolean;
  /** The open session, where there is exactly one. */
  soleSession(): SessionTicket | undefined;
  /** Remembers an outbound request of no session, among the last few; the object may be used again by the caller. */
  noteUncorrelated(request: UncorrelatedRequest): void;
  decide(session: SessionTicket, hop: Hop): Decision;
  /**
   * Decides on a CONNECT request, which rules cannot answer: only whether it may go out.
   *
   * @returns `forward`, or `respond` with outcome `strict-miss`
   */
  decideTunnel(session: SessionTicket, hop: Hop): Forward | Respond;
  /**
   * Whether no open session would refuse a tunnel to this authority. For a tunnel of which nothing is known yet but
   * where it leads.
   */
  letsTunnelOut(authority: string): boolean;
  /**
   * A tunnel that was let out did go out. Until then nothing has left: the client may speak plain HTTP in it, each
   * request of which is decided for itself.
   */
  countTunnel(session: SessionTicket, hop: Hop, decision: Forward): void;
  /**
   * Takes an exchange into the recording when its request starts, so that a case keeps the order in which
   * requests started and a close can see what is still in flight. The caller goes on filling it.
   *
   * @returns how many bytes of each body may be kept
   */
  begin(session: SessionTicket, exchange: Exchange): number;
  /** The exchange ended: `endTime` is set and nobody changes it any more. Exactly once for each `begin`. */
  finish(session: SessionTicket, exchange: Exchange): void;
}
