import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { type Direction, type Hop, parseAuthority, type TraceContext } from '../cases/index.ts';
import type { Decision, Respond, Runtime, SessionTicket } from '../runtime/index.ts';
import { Answer } from './answer.ts';
import type { Correlator } from './correlate.ts';
import { ProxyError } from './errors.ts';
import type { Forwarder, OutgoingRequest } from './forwarder.ts';
import { tunnelOf } from './intercepted-connection.ts';
import { LiveExchange } from './live-exchange.ts';
import { needsNodeClient } from './node-forwarder.ts';
import { removeFields, removeSessionFields, replaceHost, writeTraceContext } from './outgoing-fields.ts';
import { type ProxiedResponse, Relay } from './relay.ts';
import { type ReadBody, RequestBody, readRequestBody } from './request-body.ts';
import { checkRequestHead, type RequestHead, readRequestHead } from './request-head.ts';
import { writeError, writePrepared } from './respond.ts';
import { pathOf, queryOf, type Target, type TargetResolver } from './target.ts';
import { continueTrace } from './trace-context.ts';
import type { TraceTable } from './trace-table.ts';
import { keepUpgradeFields } from './upgrade-request.ts';

/** What one listener's exchanges go through. */
export interface ExchangePathOptions {
  readonly direction: Direction;
  readonly serviceName: string;
  readonly runtime: Runtime;
  readonly targets: TargetResolver;
  readonly correlator: Correlator;
  /** Where the ingress leaves what the correlators look up. */
  readonly traces: TraceTable;
  readonly forwarders: { readonly undici: Forwarder; readonly node: Forwarder };
  /** Write W3C Trace Context on what is forwarded for a session. */
  readonly writesTraceContext: boolean;
  /** Bytes of a request body that may be held in memory because a rule looks at it. */
  readonly maxRuleBody: number;
  readonly logger: Logger | undefined;
}

/** A request, and what it is for. */
interface Arrival {
  readonly request: IncomingMessage;
  readonly response: ProxiedResponse;
  /** The method that the client sent; the parser may have seen another (`method-carrier.ts`). */
  readonly method: string;
  readonly head: RequestHead;
  readonly target: Target;
}

/** A request that belongs to a session. */
interface SessionArrival {
  readonly arrival: Arrival;
  readonly session: SessionTicket;
  readonly trace: TraceContext;
  readonly hop: Hop;
  /** The body, or its beginning, where a rule made us read it. */
  read: ReadBody | undefined;
}

type FinalDecision = Exclude<Decision, { kind: 'need-body' }>;

/** What a session adds to the way of a forwarded request. */
interface ForwardExtras {
  readonly recording: LiveExchange | undefined;
  readonly addedFields: readonly string[];
  readonly read: ReadBody | undefined;
}

/** The forwarded exchange of a session says so; the list is shared, never changed. */
const FORWARDED = ['x-softprobe-outcome', 'forward'];

const NO_BODY = Buffer.alloc(0);

/**
 * The life of an exchange on one listener, in order:
 *
 * `target -> correlate -> decide -> respond | forward -> record`
 *
 * A request without a session leaves at once: what follows correlation costs it nothing.
 */
export class ExchangePath {
  readonly #options: ExchangePathOptions;
  /** Filled anew for each request that no session claims: remembering those allocates nothing. */
  readonly #uncorrelated = {
    method: '',
    host: '',
    path: '',
    hadTraceparent: false,
    namedUnknownSession: false,
  };

  constructor(options: ExchangePathOptions) {
    this.#options = options;
  }

  /** Handles one request. Never throws: whatever goes wrong is an answer to the client. */
  handle(request: IncomingMessage, response: ProxiedResponse, method: string): void {
    response.sendDate = false;
    try {
      const { direction, correlator, targets } = this.#options;
      const head = readRequestHead(request.rawHeaders, direction);
      if (response.upgrading !== undefined) keepUpgradeFields(head.fields, request.rawHeaders);
      checkRequestHead(head, request.httpVersionMinor);
      const tunnel = tunnelOf(request.socket);
      if (tunnel !== undefined) head.proxyAuthorization ??= tunnel.proxyAuthorization;
      const target = targets.resolve(request.url ?? '', head, method, tunnel);
      const arrival = { request, response, method, head, target };
      const session = correlator.find(head);
      if (session === undefined) {
        this.#noteUncorrelated(arrival);
        this.#forward(arrival, undefined);
      } else {
        this.#decide(arrival, session);
      }
    } catch (error) {
      writeError(response, error instanceof ProxyError ? error : this.#internalError(error));
    }
  }

  #noteUncorrelated({ method, head, target }: Arrival): void {
    const { direction, runtime } = this.#options;
    if (head.namesUnknownSession) runtime.countUnknownSession(direction);
    if (direction !== 'outbound') return;
    const note = this.#uncorrelated;
    note.method = method;
    note.host = target.host;
    note.path = pathOf(target);
    note.hadTraceparent = head.traceparent !== undefined;
    note.namedUnknownSession = head.namesUnknownSession;
    runtime.noteUncorrelated(note);
  }

  #decide(arrival: Arrival, session: SessionTicket): void {
    const { runtime, direction, traces } = this.#options;
    const { head } = arrival;
    const trace = continueTrace(head.traceparent, head.traceparentCount);
    if (direction === 'inbound') {
      // A trace that begins here is this request's alone; one that came along may be that of other tests, too.
      const sharedSpan = trace.parentSpanId === undefined ? undefined : trace.spanId;
      traces.remember(trace.traceId, session.id, sharedSpan);
    }
    const hop = this.#hopOf(arrival, session, trace);
    const made: SessionArrival = { arrival, session, trace, hop, read: undefined };
    const decision = runtime.decide(session, hop);
    if (decision.kind === 'need-body') this.#readBodyAndDecide(made);
    else this.#execute(made, decision);
  }

  /** A rule looks at the body: read it, ask again. What is read here is sent on from memory. */
  #readBodyAndDecide(made: SessionArrival): void {
    const { runtime, maxRuleBody } = this.#options;
    const { request, response, head } = made.arrival;
    if (head.expect !== undefined) {
      // The client waits for leave to send what the rule has to see; nobody else can give it.
      response.writeContinue();
      head.expect = undefined;
      removeFields(head.fields, (name) => name === 'expect');
    }
    readRequestBody(request, maxRuleBody)
      .then(
        (read) => {
          made.read = read;
          made.hop.body = read.complete ? read.bytes : null;
          const decision = runtime.decide(made.session, made.hop);
          if (decision.kind === 'need-body') throw new Error('the runtime asks for a body that it has');
          this.#execute(made, decision);
        },
        () => {
          // The client went away with its request half sent: there is nobody to answer and nothing to decide on.
        },
      )
      .catch((error: unknown) => writeError(response, this.#internalError(error)));
  }

  #execute(made: SessionArrival, decision: FinalDecision): void {
    const recording = decision.record ? this.#record(made, decision) : undefined;
    if (decision.kind === 'respond') {
      this.#respond(made, decision, recording);
      return;
    }
    const { arrival, session, trace, read } = made;
    const { direction, writesTraceContext } = this.#options;
    removeSessionFields(arrival.head, session, direction);
    if (writesTraceContext) writeTraceContext(arrival.head, trace, session);
    const addedFields =
      decision.rule === undefined ? FORWARDED : [...FORWARDED, 'x-softprobe-rule', decision.rule];
    this.#forward(arrival, { recording, addedFields, read });
  }

  #record({ arrival, session, hop, trace }: SessionArrival, decision: FinalDecision): LiveExchange {
    const { httpVersion } = arrival.request;
    const start = { hop, trace, httpVersion, decision, hasBody: hasBody(arrival.head) };
    return new LiveExchange(this.#options.runtime, session, start);
  }

  #respond({ arrival, read }: SessionArrival, decision: Respond, recording: LiveExchange | undefined): void {
    const { request, response } = arrival;
    // The rest of a body that was too large to be held: it has to be read all the same.
    if (read?.complete === false) request.resume();
    if (recording === undefined && decision.latencyMs === 0) {
      writePrepared(response, decision.response);
    } else {
      new Answer(request, response, decision, recording).send(read);
    }
  }

  #forward({ request, response, method, head, target }: Arrival, extras: ForwardExtras | undefined): void {
    if (head.host !== target.host) replaceHost(head.fields, target.host);
    const body = hasBody(head) ? bodyOf(request, response, extras) : null;
    const { fields } = head;
    const isUpgrade = response.upgrading !== undefined;
    const outgoing: OutgoingRequest = { target, method, head, fields, body, isUpgrade, request };
    const relay = new Relay(response, target.origin.authority, extras?.recording, extras?.addedFields);
    const { undici, node } = this.#options.forwarders;
    (needsNodeClient(outgoing) ? node : undici).forward(outgoing, relay);
  }

  #internalError(error: unknown): ProxyError {
    this.#options.logger?.error({ err: error }, 'a defect: a request could not be handled');
    return new ProxyError(
      'internal_error',
      'the proxy failed to handle this request; its log says more',
      error,
    );
  }

  #hopOf({ request, method, head, target }: Arrival, session: SessionTicket, trace: TraceContext): Hop {
    const { direction, serviceName } = this.#options;
    return {
      direction,
      sessionId: session.id,
      service: serviceName,
      method,
      scheme: target.origin.scheme,
      host: target.host,
      path: pathOf(target),
      query: queryOf(target),
      headers: request.rawHeaders,
      body: hasBody(head) ? undefined : NO_BODY,
      // A trace that begins here says nothing about what else belongs to it.
      traceId: trace.parentSpanId === undefined ? undefined : trace.traceId,
      attribution: head.attribution,
      tunnelHost: tunnelHostOf(request.socket, target),
    };
  }
}

/**
 * Where a request goes that came through a tunnel, where that is not the host that it names. An address in the place
 * of the name is fine behind TLS that asks for the name: the upstream has to prove that it is the one.
 */
function tunnelHostOf(socket: Duplex, { origin, host }: Target): string | undefined {
  const tunnel = tunnelOf(socket);
  if (tunnel === undefined || tunnel.origin !== origin) return undefined;
  const { name } = parseAuthority(host);
  const isProved = isIP(origin.hostname) !== 0 && tunnel.serverName === name;
  return name === origin.hostname || isProved ? undefined : origin.authority;
}

/** A request has a body if and only if its framing says so (RFC 9112 section 6.3). */
function hasBody(head: RequestHead): boolean {
  return (
    head.transferEncoding !== undefined || (head.contentLength !== undefined && head.contentLength !== '0')
  );
}

/** What is sent upstream: the bytes that a rule made us read, or the stream, or the one before the other. */
function bodyOf(
  request: IncomingMessage,
  response: ProxiedResponse,
  extras: ForwardExtras | undefined,
): RequestBody | Buffer {
  const tap = extras?.recording?.requestTap;
  const read = extras?.read;
  if (read?.complete) {
    tap?.add(read.bytes);
    return read.bytes;
  }
  return new RequestBody(request, response, tap, read?.bytes);
}
