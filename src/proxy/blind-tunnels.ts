import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Failure, Hop, RawHeaders, TraceContext } from '../cases/index.ts';
import type { Forward, PreparedResponse, Respond, Runtime, SessionTicket } from '../runtime/index.ts';
import { resetConnection } from './connection-layers.ts';
import type { Connector } from './connector.ts';
import { describeUpstreamFailure } from './errors.ts';
import { type ExchangeStart, LiveExchange } from './live-exchange.ts';
import type { RequestHead } from './request-head.ts';
import type { Origin } from './target.ts';
import { continueTrace } from './trace-context.ts';

/** A tunnel that a client wants. */
export interface WantedTunnel {
  readonly client: Duplex;
  /** Where it leads, as the client named it: `host:port`. */
  readonly authority: string;
  readonly origin: Origin;
  readonly httpVersion: string;
  /** Fields of the CONNECT; none where a client began TLS without one. */
  readonly fields: RawHeaders;
  readonly requestHead: RequestHead;
  /** The session that the CONNECT belongs to. What comes inside may belong to others. */
  readonly session: SessionTicket | undefined;
}

/** A session does not let a tunnel out. */
export class TunnelRefusedError extends Error {
  override readonly name = 'TunnelRefusedError';
  readonly response: PreparedResponse;

  constructor(response: PreparedResponse) {
    super('the session does not let this tunnel out');
    this.response = response;
  }
}

export interface BlindTunnelsOptions {
  readonly connect: Connector;
  readonly runtime: Runtime;
  readonly serviceName: string;
}

/** A tunnel that its session has decided on. */
interface AskedTunnel extends ExchangeStart {
  readonly session: SessionTicket;
  readonly decision: Forward | Respond;
}

/** CONNECT has no body, and predicates on one must not wait for it. */
const NO_BODY = Buffer.alloc(0);

/** One end of a tunnel stands: the other can be joined to it. */
export interface OpenTunnel {
  /** @param first what the client has sent already */
  join(first: Buffer): void;
}

/**
 * Tunnels into which nobody looks: bytes both ways, untouched, and each direction ends on its own, so that a
 * half-closed connection stays one. One of a session is a recorded exchange without bodies: what passed is counted.
 */
export class BlindTunnels {
  readonly #options: BlindTunnelsOptions;

  constructor(options: BlindTunnelsOptions) {
    this.#options = options;
  }

  /**
   * Asks the session, reaches the far end, and records either.
   *
   * @param reached the far end, where there is a connection to it already
   * @throws {TunnelRefusedError}
   * @throws {ProxyError} when the far end cannot be reached
   */
  async open(wanted: WantedTunnel, reached?: Socket): Promise<OpenTunnel> {
    const recording = this.#decide(wanted);
    try {
      const upstream = reached ?? (await this.connect(wanted.origin));
      return { join: (first) => join(wanted.client, upstream, first, recording) };
    } catch (cause) {
      const error = describeUpstreamFailure(cause, wanted.authority);
      recording?.proxyError();
      recording?.finish([], { type: error.type, message: error.message });
      throw error;
    }
  }

  /** A connection to the far end, with nothing asked and nothing recorded. */
  connect({ hostname, port }: Origin): Promise<Socket> {
    return new Promise((resolve, reject) => {
      this.#options.connect({ hostname, protocol: 'http:', port: String(port) }, (error, upstream) => {
        if (error === null && upstream instanceof Socket) resolve(upstream);
        else reject(error);
      });
    });
  }

  /**
   * A client said nothing, for too long. It may have waited for a server that its session keeps from it: that is a
   * strict miss, and told as any other.
   */
  noteSilence(wanted: WantedTunnel): void {
    const asked = wanted.session && this.#ask(wanted, wanted.session);
    if (asked?.decision.kind === 'respond') this.#refuse(asked, asked.decision);
  }

  /** @throws {TunnelRefusedError} */
  #decide(wanted: WantedTunnel): LiveExchange | undefined {
    const { runtime } = this.#options;
    const { session, requestHead, authority } = wanted;
    if (session === undefined) {
      runtime.noteUncorrelated({
        method: 'CONNECT',
        host: authority,
        path: '',
        hadTraceparent: requestHead.traceparent !== undefined,
        namedUnknownSession: requestHead.namesUnknownSession,
      });
      return undefined;
    }
    const asked = this.#ask(wanted, session);
    if (asked.decision.kind === 'respond') throw this.#refuse(asked, asked.decision);
    runtime.countTunnel(session, asked.hop, asked.decision);
    return this.#record(asked);
  }

  #ask(wanted: WantedTunnel, session: SessionTicket): AskedTunnel {
    const { requestHead, httpVersion } = wanted;
    const trace = continueTrace(requestHead.traceparent, requestHead.traceparentCount);
    const hop = this.#hopOf(wanted, session, trace);
    const decision = this.#options.runtime.decideTunnel(session, hop);
    return { session, hop, trace, httpVersion, decision, hasBody: true, keepsBodies: false };
  }

  #refuse(asked: AskedTunnel, { response }: Respond): TunnelRefusedError {
    const recording = this.#record(asked);
    recording?.head(response.status, '', response.headers);
    recording?.finish([]);
    return new TunnelRefusedError(response);
  }

  #record(asked: AskedTunnel): LiveExchange | undefined {
    const { session, decision } = asked;
    return decision.record ? new LiveExchange(this.#options.runtime, session, asked) : undefined;
  }

  #hopOf({ authority, fields, requestHead }: WantedTunnel, session: SessionTicket, trace: TraceContext): Hop {
    return {
      direction: 'outbound',
      sessionId: session.id,
      service: this.#options.serviceName,
      method: 'CONNECT',
      scheme: 'https',
      host: authority,
      path: '',
      query: undefined,
      headers: fields,
      body: NO_BODY,
      traceId: trace.parentSpanId === undefined ? undefined : trace.traceId,
      attribution: requestHead.attribution,
    };
  }
}

/** Joins both ends. The exchange of the tunnel ends when the far one is gone. */
function join(client: Duplex, upstream: Socket, first: Buffer, recording: LiveExchange | undefined): void {
  recording?.head(200, 'Connection Established', []);
  const record = () => recording?.finish([], failureOf(client, upstream));
  // It may have gone already, while the client's first bytes were awaited.
  if (upstream.closed) record();
  else upstream.once('close', record);
  if (client.destroyed) {
    upstream.destroy();
    return;
  }
  if (first.length > 0) {
    recording?.requestTap?.add(first);
    upstream.write(first);
  }
  if (recording !== undefined) {
    // As they pass: tunnels outlive sessions, and a case has what had passed by then.
    client.on('data', (chunk: Buffer) => recording.requestTap?.add(chunk));
    upstream.on('data', (chunk: Buffer) => recording.data(chunk));
  }
  client.pipe(upstream);
  upstream.pipe(client);
  // What broke must not look like an end. What the upstream sent before a clean one is still on its way.
  upstream.on('error', () => resetConnection(client));
  client.on('close', () => {
    if (client.errored == null) upstream.destroy();
    else upstream.resetAndDestroy();
  });
  if (upstream.destroyed) client.destroy();
  else if (upstream.readableEnded) client.end();
}

function failureOf(client: Duplex, upstream: Socket): Failure | undefined {
  if (upstream.errored != null) {
    const { type, message } = describeUpstreamFailure(upstream.errored, 'the far end of the tunnel');
    return { type, message };
  }
  return client.errored == null ? undefined : { type: 'aborted', message: 'the client went away' };
}
