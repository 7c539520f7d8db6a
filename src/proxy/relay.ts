import { type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CarriedConnection } from './carried-connection.ts';
import { resetConnection } from './connection-layers.ts';
import { describeUpstreamFailure, ProxyError } from './errors.ts';
import { fieldPairs } from './field-pairs.ts';
import type { LiveExchange } from './live-exchange.ts';
import { writeError } from './respond.ts';
import { type RawFields, readFields, readResponseHead } from './response-head.ts';
import { stopWatching } from './upgrade-early-end.ts';
import { UpgradedConnection } from './upgraded-connection.ts';

/** The upstream's side of an exchange, as far as the relay steers it. */
export interface UpstreamControl {
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** A response of one of our listeners. It knows its relay, so that events need no closure per request. */
export class ProxiedResponse extends ServerResponse<IncomingMessage> {
  relay: Relay | undefined = undefined;
  /** The connection, where the request asks to leave HTTP with it. */
  upgrading: Duplex | undefined = undefined;
}

/** `flushing`: all is written, but some of it still waits for the client to read. */
type State = 'waiting' | 'streaming' | 'flushing' | 'ended';

/**
 * Carries one response from the upstream to the client: head, body, trailers, as they came, at the pace at
 * which the client reads. A forwarder calls `connected`, `information`, `head`, `data`, `end` and `fail`.
 *
 * Whatever happens, it ends once: with the response complete, or with the client's connection broken off, or
 * with an error response if nothing had been sent. A client that goes away aborts the upstream at once.
 */
export class Relay {
  readonly #response: ProxiedResponse;
  /** Where the request went, for messages. */
  readonly #authority: string;
  readonly #recording: LiveExchange | undefined;
  /** Fields that are added to the response's: what the proxy did with the request. */
  readonly #addedFields: readonly string[] | undefined;
  #upstream: UpstreamControl | undefined;
  #state: State = 'waiting';
  #headFlushed = false;
  /** The body's first bytes, held until the end of the turn: mostly they are all of it. */
  #held: Buffer | undefined;
  /** The response's framing shows where it ends: a break in the middle cannot be taken for the end. */
  #isFramed = false;

  constructor(
    response: ProxiedResponse,
    authority: string,
    recording?: LiveExchange,
    addedFields?: readonly string[],
  ) {
    this.#response = response;
    this.#authority = authority;
    this.#recording = recording;
    this.#addedFields = addedFields;
    response.relay = this;
    response.on('close', onClose);
  }

  /** The request is about to be written to an upstream connection. */
  connected(upstream: UpstreamControl): void {
    this.#upstream = upstream;
    if (this.#state === 'ended') upstream.abort(clientAborted());
  }

  /** An informational response (RFC 9110 section 15.2). */
  information(status: number, reason: string, raw: RawFields): void {
    // HTTP/1.0 knows no 1xx (RFC 9110 section 15.2).
    if (this.#state !== 'waiting' || this.#response.req.httpVersionMinor === 0) return;
    // Nobody asked to switch protocols: `Upgrade` is never among the fields that are sent.
    if (status === 101 || !isWritable(status, reason)) this.#refuse(status);
    else writeInformation(this.#response, status, reason, readFields(raw));
  }

  head(status: number, reason: string, raw: RawFields): void {
    if (this.#state !== 'waiting') return;
    // node:http's client takes a 101 that nobody asked for as final.
    if (status < 200 || !isWritable(status, reason)) {
      this.#refuse(status);
      return;
    }
    const response = this.#response;
    const head = readResponseHead(raw);
    this.#recording?.head(status, reason, head.fields);
    const fields = this.#addedFields === undefined ? head.fields : head.fields.concat(this.#addedFields);
    // node:http refuses to announce trailers where it cannot send any.
    if (head.hasTrailer && !canSendTrailers(response, status, head.hasContentLength))
      dropTrailerField(fields);
    this.#state = 'streaming';
    response.writeHead(status, reason, fields);
    this.#isFramed = head.hasContentLength || response.chunkedEncoding;
    flushHeadLater(this);
  }

  /**
   * The upstream switches protocols (RFC 9110 section 15.2.2): from here on the connection is not HTTP's, nor ours.
   *
   * @param first what the upstream sent behind its response
   */
  switched(reason: string, raw: RawFields, upstream: Duplex, first: Buffer): void {
    const { upgrading: client } = this.#response;
    if (this.#state !== 'waiting' || client === undefined || !isWritable(101, reason)) {
      upstream.destroy();
      if (this.#state === 'waiting') this.#refuse(101);
      return;
    }
    this.#state = 'ended';
    const recording = this.#recording;
    recording?.switchProtocols(reason, readResponseHead(raw).fields);
    const fields = readFields(raw).concat(this.#addedFields ?? []);
    this.#response.detachSocket(client as Socket);
    stopWatching(client);
    client.write(headText(101, reason, fields), 'latin1');
    if (first.length > 0) upstream.unshift(first);
    new UpgradedConnection({ client, upstream, authority: this.#authority, recording });
  }

  /** The parsers take any three digits for a status, and any octets for a reason phrase. */
  #refuse(status: number): void {
    const message = `${this.#authority} answered with a status line that cannot stand here, with status ${status}`;
    const error = new ProxyError('upstream_invalid_response', message);
    this.fail(error);
    this.#upstream?.abort(error);
  }

  /** Sends the head, and what there is of the body, ahead of what is still to come. */
  flushHead(): void {
    if (this.#headFlushed || this.#state !== 'streaming') return;
    this.#headFlushed = true;
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) this.#response.flushHeaders();
    else this.#write(held);
  }

  data(chunk: Buffer): void {
    if (this.#state !== 'streaming') return;
    if (!this.#headFlushed) {
      if (this.#held === undefined && chunk.length <= MAX_HELD) {
        this.#held = chunk;
        return;
      }
      this.flushHead();
    }
    this.#write(chunk);
  }

  #write(chunk: Buffer): void {
    this.#recording?.data(chunk);
    if (this.#response.write(chunk)) return;
    this.#upstream?.pause();
    this.#response.once('drain', onDrain);
  }

  end(rawTrailers: RawFields): void {
    if (this.#state !== 'streaming') return;
    const response = this.#response;
    if (rawTrailers.length > 0) {
      const trailers = readFields(rawTrailers);
      this.#recording?.trailers(trailers);
      if (response.chunkedEncoding) response.addTrailers(fieldPairs(trailers));
    }
    // As one string head and body become one write; a Buffer would be a second one.
    if (this.#held === undefined) {
      response.end();
    } else {
      const text = this.#held.toString('latin1');
      this.#recording?.text(text);
      response.end(text, 'latin1');
    }
    if (this.#recording === undefined) {
      this.#state = 'ended';
    } else if (response.writableLength === 0) {
      // Recorded in the same turn as the last byte is handed to the kernel: whoever has read it and then closes
      // the session finds it in the case.
      this.#finish();
    } else {
      this.#state = 'flushing';
      response.once('finish', onFinish);
    }
  }

  /** The upstream failed, or could not be reached. */
  fail(cause: unknown): void {
    if (this.#state === 'ended' || this.#state === 'flushing') return;
    const error = describeUpstreamFailure(cause, this.#authority);
    const response = this.#response;
    const failure = { type: error.type, message: error.message };
    if (response.headersSent) {
      this.flushHead();
      // First, since below TLS the end of the client's connection may be told in this very call.
      this.#finish(failure);
      breakOff(response, this.#isFramed);
    } else {
      this.#recording?.proxyError();
      writeError(response, error);
      this.#finish(failure);
    }
  }

  drained(): void {
    if (this.#state === 'streaming') this.#upstream?.resume();
  }

  flushed(): void {
    if (this.#state === 'flushing') this.#finish();
  }

  /** The client's connection is gone. */
  closed(): void {
    if (this.#state === 'ended') return;
    const wasFlushing = this.#state === 'flushing';
    const failure = { type: 'aborted', message: 'the client went away before the response was complete' };
    this.#finish(wasFlushing && this.#response.writableFinished ? undefined : failure);
    if (!wasFlushing) this.#upstream?.abort(clientAborted());
  }

  #finish(failure?: { type: string; message: string }): void {
    this.#state = 'ended';
    this.#recording?.finish(this.#response.req.rawTrailers, failure);
  }
}

function onClose(this: ProxiedResponse): void {
  this.relay?.closed();
}

function onDrain(this: ProxiedResponse): void {
  this.relay?.drained();
}

function onFinish(this: ProxiedResponse): void {
  this.relay?.flushed();
}

function clientAborted(): ProxyError {
  return new ProxyError('client_aborted', 'the client went away');
}

/** Bytes that may be held for the end of the turn; larger ones gain nothing by it. */
const MAX_HELD = 16 * 1024;

// A head is not flushed on its own when its body follows at once, as it mostly does: one write to the socket
// instead of two or three (measured: 8 % less time a request). What is not complete by the end of this turn of
// the event loop is flushed then, one immediate for all.
const unflushed: Relay[] = [];

function flushHeadLater(relay: Relay): void {
  if (unflushed.push(relay) === 1) setImmediate(flushHeads);
}

function flushHeads(): void {
  for (const relay of unflushed) relay.flushHead();
  unflushed.length = 0;
}

/** Breaks the client's connection so that it cannot take what it got for a complete response. */
function breakOff(response: ProxiedResponse, isFramed: boolean): void {
  // What carries a connection through a tunnel is no Socket, whatever the types say.
  const socket: Duplex | null = response.socket;
  if (!(socket instanceof Socket) && !(socket instanceof CarriedConnection)) {
    response.destroy();
  } else if (isFramed) {
    // What had arrived is still delivered; the missing rest then shows in the framing.
    socket.destroySoon();
  } else {
    // The end of the connection is the end of the body: only a reset says that something is missing.
    resetConnection(socket);
  }
}

/** RFC 9112 section 4: a status line has a status from 100 on, and no control characters in its phrase. */
function isWritable(status: number, reason: string): boolean {
  return status >= 100 && !/[^\t\x20-\x7e\x80-\xff]/.test(reason);
}

function canSendTrailers(response: ProxiedResponse, status: number, hasContentLength: boolean): boolean {
  const { req } = response;
  const hasBody = req.method !== 'HEAD' && status !== 204 && status !== 304;
  return hasBody && !hasContentLength && req.httpVersionMinor > 0;
}

function dropTrailerField(fields: string[]): void {
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    if (fields[i]?.toLowerCase() === 'trailer') fields.splice(i, 2);
  }
}

/**
 * Writes an informational response as it came. `node:http` has public calls for 100, 102 and 103 only, and
 * those decide over the fields; what they use inside writes any, in order with what is pipelined.
 */
function writeInformation(
  response: ProxiedResponse,
  status: number,
  reason: string,
  fields: readonly string[],
): void {
  if (status === 100) {
    // Tells node:http that the client was told to go on, so that it keeps the connection.
    response.writeContinue();
    return;
  }
  const internals = response as unknown as { _writeRaw(data: string, encoding: 'latin1'): boolean };
  internals._writeRaw(headText(status, reason, fields), 'latin1');
}

function headText(status: number, reason: string, fields: readonly string[]): string {
  let text = `HTTP/1.1 ${status} ${reason}\r\n`;
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${text}\r\n`;
}
