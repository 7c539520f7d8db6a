import type { IncomingMessage } from 'node:http';
import type { Relay } from './relay.ts';
import type { RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import type { Target } from './target.ts';

/** A request on its way upstream. */
export interface OutgoingRequest {
  readonly target: Target;
  readonly method: string;
  readonly head: RequestHead;
  /** Flat list of the fields to send, `Host` among them. */
  readonly fields: string[];
  /** The body: none, all of it, or a stream. */
  readonly body: RequestBody | Buffer | null;
  /** It asks to leave HTTP: its fields have `Upgrade`. */
  readonly isUpgrade: boolean;
  /** The request that this one is made from: its trailers are there once its body has ended. */
  readonly request: IncomingMessage;
}

/** Sends a request and tells a relay what comes back. It never decides and never throws. */
export interface Forwarder {
  forward(request: OutgoingRequest, relay: Relay): void;
  /** Closes all connections; those in use are broken off. */
  close(): Promise<void>;
}

/** Limits of a forwarder's connections. */
export interface ForwarderOptions {
  /** Connections to one upstream at a time; further requests wait for one. */
  readonly connectionsPerUpstream: number;
  /** Milliseconds from the request's end to the response's header section. */
  readonly headerTimeoutMs: number;
  /** Bytes of a response's header section. */
  readonly maxHeaderBytes: number;
}
