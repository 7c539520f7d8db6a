import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import type { Direction, Hop } from '../cases/index.ts';
import type { Decision, Respond, Runtime, SessionTicket } from '../runtime/index.ts';
import { Answer } from './answer.ts';
import { correlate } from './correlate.ts';
import { ProxyError } from './errors.ts';
import type { Forwarder, OutgoingRequest } from './forwarder.ts';
import { LiveExchange } from './live-exchange.ts';
import { needsNodeClient } from './node-forwarder.ts';
import { type ProxiedResponse, Relay } from './relay.ts';
import { type ReadBody, RequestBody, readRequestBody } from './request-body.ts';
import { checkRequestHead, type RequestHead, readRequestHead } from './request-head.ts';
import { writeError, writePrepared } from './respond.ts';
import type { Target, TargetResolver } from './target.ts';
import { continueTrace, writeTraceparent, writeTracestate } from './trace-context.ts';

/** What one listener's exchanges go through. */
export interface ExchangePathOptions {
  readonly direction: Direction;
  readonly serviceName: string;
  readonly runtime: Runtime;
  readonly targets: TargetResolver;
  readonly forwarders: { readonly undici: Forwarder; readonly node: Forwarder };
  /** Write W3C Trace Context on what is forwarded for a session. */
  readonly writesTraceContext: boolean;
  /** Bytes of a request body that may be held in memory because a rule looks at it. */
  readonly maxRuleBody: number;
  readonly logger: Logger | undefined;
}

/** The forwarded exchange of a session says so; the list is shared, never changed. */
const FORWARDED = ['x-softprobe-outcome', 'forward'];

/**
 * The life of an exchange on one listener, in order:
 *
 * `target -> correlate -> decide -> respond | forward -> record`
 *
 * A request without a session leaves at once: what follows correlation costs it nothing.
 */
export class ExchangePath {
  readonly #options: ExchangePathOptions;

  constructor(options: ExchangePathOptions) {
    this.#options = options;
  }

  /** Handles one request. Never throws: whatever goes wrong is an answer to the client. */
  handle(request: IncomingMessage, response: ProxiedResponse, method: string): void {
    response.sendDate = false;
    try {
      const { direction, runtime, targets } = this.#options;
      const head = readRequestHead(request.rawHeaders, direction);
      checkRequestHead(head, request.httpVersionMinor);
      const target = targets.resolve(request.url ?? '', head, method);
      const session = correlate(head, runtime, direction);
      if (session === undefined) {
        this.#forward(request, response, { target, method, head }, undefined);
      } else {
        this.#decide(request, response, { target, method, head }, session);
      }
    } catch (error) {
      writeError(response, error instanceof ProxyError ? error : this.#internalError(error));
    }
  }

  #decide(
    request: IncomingMessage,
    response: ProxiedResponse,
    what: { target: Target; method: string; head: RequestHead },
    session: SessionTicket,
  ): void {
    const { runtime } = this.#options;
    const hop = this.#hopOf(request, what, session);
    const decision = runtime.decide(session, hop);
    if (decision.kind === 'need-body') {
      this.#readBodyAndDecide(request, response, what, session, hop);
    } else {
      this.#execute(request, response, what, { session, hop, decision, read: undefined });
    }
  }

  /** A rule looks at the body: read it, ask again. What is read here is sent on from memory. */
  #readBodyAndDecide(
    request: IncomingMessage,
    response: ProxiedResponse,
    what: { target: Target; method: string; head: RequestHead },
    session: SessionTicket,
    hop: Hop,
  ): void {
    const { runtime, maxRuleBody } = this.#options;
    if (what.head.expect !== undefined) {
      // The client waits for leave to send what the rule has to see; nobody else can give it.
      response.writeContinue();
      what.head.expect = undefined;
      removeFields(what.head.fields, (name) => name === 'expect');
    }
    readRequestBody(request, maxRuleBody)
      .then(
        (read) => {
          hop.body = read.complete ? read.bytes : null;
          const decision = runtime.decide(session, hop);
          if (decision.kind === 'need-body') throw new Error('the runtime asks for a body that it has');
          this.#execute(request, response, what, { session, hop, decision, read });
        },
        () => {
          // The client went away with its request half sent: there is nobody to answer and nothing to decide on.
        },
      )
      .catch((error: unknown) => writeError(response, this.#internalError(error)));
  }

  #execute(
    request: IncomingMessage,
    response: ProxiedResponse,
    what: { target: Target; method: string; head: RequestHead },
    made: {
      session: SessionTicket;
      hop: Hop;
      decision: Exclude<Decision, { kind: 'need-body' }>;
      read: ReadBody | undefined;
    },
  ): void {
    const { runtime, writesTraceContext } = this.#options;
    const { session, hop, decision } = made;
    const { head } = what;
    const trace = continueTrace(head.traceparent, head.traceparentCount);
    const recording = decision.record
      ? new LiveExchange(runtime, session, {
          hop,
          trace,
          httpVersion: request.httpVersion,
          decision,
          hasBody: hasBody(head),
        })
      : undefined;
    if (decision.kind === 'respond') {
      this.#respond(request, response, { decision, recording, read: made.read });
      return;
    }
    removeSessionFields(head, session.id, this.#options.direction);
    if (writesTraceContext) {
      if (head.traceparent !== undefined || head.tracestate !== undefined)
        removeFields(head.fields, isTraceField);
      head.fields.push('traceparent', writeTraceparent(trace));
      head.fields.push('tracestate', writeTracestate(head.tracestate, session.id));
    }
    const added = decision.rule === undefined ? FORWARDED : [...FORWARDED, 'x-softprobe-rule', decision.rule];
    this.#forward(request, response, what, { recording, added, read: made.read });
  }

  #respond(
    request: IncomingMessage,
    response: ProxiedResponse,
    {
      decision,
      recording,
      read,
    }: { decision: Respond; recording: LiveExchange | undefined; read: ReadBody | undefined },
  ): void {
    if (recording === undefined && decision.latencyMs === 0) {
      writePrepared(response, decision.response);
    } else {
      new Answer(request, response, decision, recording).send(read);
    }
  }

  #forward(
    request: IncomingMessage,
    response: ProxiedResponse,
    what: { target: Target; method: string; head: RequestHead },
    session:
      | { recording: LiveExchange | undefined; added: readonly string[]; read: ReadBody | undefined }
      | undefined,
  ): void {
    const { target, method, head } = what;
    if (head.host !== target.host) replaceHost(head.fields, target.host);
    const outgoing: OutgoingRequest = {
      target,
      method,
      head,
      fields: head.fields,
      body: hasBody(head) ? bodyOf(request, session) : null,
      request,
    };
    const relay = new Relay(response, target.host, session?.recording, session?.added);
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

  #hopOf(
    request: IncomingMessage,
    what: { target: Target; method: string; head: RequestHead },
    session: SessionTicket,
  ): Hop {
    const { direction, serviceName } = this.#options;
    const { pathAndQuery, host, origin } = what.target;
    const mark = pathAndQuery.indexOf('?');
    return {
      direction,
      sessionId: session.id,
      service: serviceName,
      method: what.method,
      scheme: origin.scheme,
      host,
      path: mark < 0 ? pathAndQuery : pathAndQuery.slice(0, mark),
      query: mark < 0 ? undefined : pathAndQuery.slice(mark + 1),
      headers: request.rawHeaders,
      body: hasBody(what.head) ? undefined : NO_BODY,
    };
  }
}

const NO_BODY = Buffer.alloc(0);

/** A request has a body if and only if its framing says so (RFC 9112 section 6.3). */
function hasBody(head: RequestHead): boolean {
  return (
    head.transferEncoding !== undefined || (head.contentLength !== undefined && head.contentLength !== '0')
  );
}

/** What is sent upstream: the bytes that a rule made us read, or the stream, or the one before the other. */
function bodyOf(
  request: IncomingMessage,
  session: { recording: LiveExchange | undefined; read: ReadBody | undefined } | undefined,
): RequestBody | Buffer {
  const tap = session?.recording?.requestTap;
  const read = session?.read;
  if (read?.complete) {
    tap?.add(read.bytes);
    return read.bytes;
  }
  return new RequestBody(request, tap, read?.bytes);
}

/** Gives the request the Host that its target names (RFC 9112 section 3.2.2), where it had another or none. */
function replaceHost(fields: string[], host: string): void {
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i]?.length === 4 && fields[i]?.toLowerCase() === 'host') {
      fields[i + 1] = host;
      return;
    }
  }
  fields.unshift('Host', host);
}

/**
 * On egress the session leaves only inside `tracestate`: the older header names go as well, where they carry
 * our id and not the app's own.
 */
function removeSessionFields(head: RequestHead, sessionId: string, direction: Direction): void {
  if (direction !== 'outbound' || head.olderSessionIds === undefined) return;
  removeFields(
    head.fields,
    (name, value) =>
      value === sessionId &&
      (name === 'x-sp-session-id' || name === 'sp_session_id' || name === 'x-session-id'),
  );
}

function isTraceField(name: string): boolean {
  return name === 'traceparent' || name === 'tracestate';
}

function removeFields(fields: string[], isUnwanted: (lowerName: string, value: string) => boolean): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    if (isUnwanted(name.toLowerCase(), value)) continue;
    fields[kept++] = name;
    fields[kept++] = value;
  }
  fields.length = kept;
}
