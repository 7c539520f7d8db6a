import { Agent, type Dispatcher } from 'undici';
import type { Connector } from './connector.ts';
import { ProxyError } from './errors.ts';
import type { Forwarder, ForwarderOptions, OutgoingRequest } from './forwarder.ts';
import type { Relay } from './relay.ts';
import { latin1Reason, type RawFields } from './response-head.ts';

/**
 * Forwards by undici's `dispatch`: the way that nearly all requests take. Twice as fast as `node:http`'s
 * client, with raw header lists in both directions. What it cannot carry goes by the other forwarder: see
 * `needsNodeClient`.
 */
export class UndiciForwarder implements Forwarder {
  readonly #agent: Agent;

  constructor(connect: Connector, options: ForwarderOptions) {
    this.#agent = new Agent({
      connect,
      connections: options.connectionsPerUpstream,
      headersTimeout: options.headerTimeoutMs,
      // Bodies may stream for ever.
      bodyTimeout: 0,
      maxHeaderSize: options.maxHeaderBytes,
      pipelining: 1,
      allowH2: false,
    });
  }

  forward({ target, method, fields, body }: OutgoingRequest, relay: Relay): void {
    this.#agent.dispatch(
      { origin: target.origin.url, path: target.pathAndQuery, method, headers: fields, body },
      new DispatchHandler(relay),
    );
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** Tells a relay what undici tells. */
class DispatchHandler implements Dispatcher.DispatchHandler {
  readonly #relay: Relay;

  constructor(relay: Relay) {
    this.#relay = relay;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#relay.connected(controller);
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    _headers: unknown,
    reason?: string,
  ): void {
    const raw = (controller.rawHeaders ?? []) as RawFields;
    const phrase = latin1Reason(reason ?? '');
    if (status === 101) throw unaskedSwitch();
    if (status < 200) this.#relay.information(status, phrase, raw);
    else this.#relay.head(status, phrase, raw);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#relay.data(chunk);
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.#relay.end((controller.rawTrailers ?? []) as RawFields);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#relay.fail(error);
  }
}

/** `Upgrade` is never among the fields that are sent, and yet undici lets a 101 pass that has no such field. */
function unaskedSwitch(): ProxyError {
  return new ProxyError(
    'upstream_invalid_response',
    'the upstream switched protocols (101), which the request did not ask for',
  );
}
