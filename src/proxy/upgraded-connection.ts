import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Failure } from '../cases/index.ts';
import { resetConnection } from './connection-layers.ts';
import { describeUpstreamFailure } from './errors.ts';
import type { LiveExchange } from './live-exchange.ts';

/** Milliseconds until the kernel asks a silent client whether it is still there. */
const KEEP_ALIVE_MS = 60_000;

/** Two connections that have left HTTP. */
export interface UpgradedEnds {
  readonly client: Duplex;
  readonly upstream: Duplex;
  /** The upstream, for messages. */
  readonly authority: string;
  /** The handshake's exchange, which lasts as long as the connection. */
  readonly recording: LiveExchange | undefined;
}

/**
 * A connection after its protocols were switched: bytes both ways, untouched, at the pace of who reads them, with
 * no time-out. Each direction ends on its own; where one side breaks, so does the other. What passes is counted
 * for the recording, which ends once, when both sides are gone.
 */
export class UpgradedConnection {
  readonly #ends: UpgradedEnds;
  #failure: Failure | undefined;

  /** Begins to carry. */
  constructor(ends: UpgradedEnds) {
    this.#ends = ends;
    const { client, upstream, authority } = ends;
    // By default the end of what an upstream sends would end what it is sent.
    upstream.allowHalfOpen = true;
    client.allowHalfOpen = true;
    if (client instanceof Socket) client.setKeepAlive(true, KEEP_ALIVE_MS);
    client.on('error', () => this.#broken(upstream, clientBrokeOff()));
    upstream.on('error', (error) => this.#broken(client, upstreamBrokeOff(error, authority)));
    client.on('close', () => this.#closed(client, upstream));
    upstream.on('close', () => this.#closed(upstream, client));
    this.#count();
    client.pipe(upstream);
    upstream.pipe(client);
    // One may have gone while the other's answer was on its way.
    if (client.destroyed) this.#closed(client, upstream);
    else if (upstream.destroyed) this.#closed(upstream, client);
  }

  #count(): void {
    const { client, upstream, recording } = this.#ends;
    if (recording === undefined) return;
    client.on('data', (chunk: Buffer) => recording.requestTap?.add(chunk));
    upstream.on('data', (chunk: Buffer) => recording.data(chunk));
  }

  #broken(other: Duplex, failure: Failure): void {
    this.#failure ??= failure;
    // A FIN would tell the other side that all is in order.
    resetConnection(other);
  }

  /** A side is gone. If both its directions had come to their end, the other goes on to its own. */
  #closed(side: Duplex, other: Duplex): void {
    const isWhole = side.readableEnded && side.writableFinished;
    if (!isWhole && !other.destroyed) this.#broken(other, PROXY_BROKE_OFF);
    if (!other.closed) return;
    const { recording } = this.#ends;
    if (recording?.endTime === 0) recording.finish([], this.#failure);
  }
}

const PROXY_BROKE_OFF: Failure = {
  type: 'aborted',
  message: 'the proxy was stopped before the connection ended',
};

function clientBrokeOff(): Failure {
  return { type: 'aborted', message: 'the client broke the connection off' };
}

function upstreamBrokeOff(error: Error, authority: string): Failure {
  return {
    type: describeUpstreamFailure(error, authority).type,
    message: `${authority} broke the connection off`,
  };
}
