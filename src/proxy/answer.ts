import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Respond } from '../runtime/index.ts';
import type { LiveExchange } from './live-exchange.ts';
import type { ProxiedResponse } from './relay.ts';
import type { ReadBody } from './request-body.ts';
import { writePrepared } from './respond.ts';

/**
 * A rule's answer that takes time: because the rule says so, or because the request is recorded, so that its
 * body is read before it is answered. Ends once: answered, or given up because the client went away.
 */
export class Answer {
  readonly #request: IncomingMessage;
  readonly #response: ProxiedResponse;
  readonly #decision: Respond;
  readonly #recording: LiveExchange | undefined;
  #ended = false;

  constructor(
    request: IncomingMessage,
    response: ProxiedResponse,
    decision: Respond,
    recording: LiveExchange | undefined,
  ) {
    this.#request = request;
    this.#response = response;
    this.#decision = decision;
    this.#recording = recording;
  }

  /** @param read the request's body, where a rule made us read it */
  send(read: ReadBody | undefined): void {
    const recording = this.#recording;
    this.#response.once('close', () => this.#closed());
    if (read !== undefined) recording?.requestTap?.add(read.bytes);
    if (recording === undefined || read?.complete || this.#request.complete) {
      this.#wait();
      return;
    }
    this.#request.on('data', (chunk: Buffer) => recording.requestTap?.add(chunk));
    this.#request.once('end', () => this.#wait());
  }

  #wait(): void {
    const { latencyMs } = this.#decision;
    if (latencyMs === 0) {
      this.#write();
      return;
    }
    const timer = setTimeout(() => this.#write(), latencyMs);
    this.#response.once('close', () => clearTimeout(timer));
  }

  #write(): void {
    const recording = this.#recording;
    const { response: prepared } = this.#decision;
    writePrepared(this.#response, prepared);
    if (recording === undefined) return;
    recording.head(prepared.status, STATUS_CODES[prepared.status] ?? '', prepared.headers);
    if (this.#request.method !== 'HEAD') {
      if (prepared.bodyText === undefined) recording.data(prepared.body);
      else recording.text(prepared.bodyText);
    }
    // As in the relay: on record by the time at which the client can know that it has the answer.
    if (this.#response.writableLength === 0) this.#finish();
    else this.#response.once('finish', () => this.#finish());
  }

  #closed(): void {
    if (this.#ended) return;
    this.#finish({ type: 'aborted', message: 'the client went away before it was answered' });
  }

  #finish(failure?: { type: string; message: string }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#recording?.finish(this.#request.rawTrailers, failure);
  }
}
