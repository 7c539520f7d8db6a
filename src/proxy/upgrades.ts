import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ProxiedResponse } from './relay.ts';
import { watchForEarlyEnd } from './upgrade-early-end.ts';

/** A connection as `node:http`'s server marks it: with the response that is being written to it. */
type ServedConnection = Duplex & { readonly _httpMessage?: ProxiedResponse | null };

/**
 * The clients that asked to leave HTTP (RFC 9110 section 7.8). `node:http` takes its hands off such a connection
 * with the request's last byte; from then on it is here, until it ends. The request itself goes the way of all
 * requests, and so do answers that do not switch protocols: they are written by a response that is attached by
 * hand, and the connection ends after them.
 */
export class Upgrades {
  readonly #open = new Set<Duplex>();
  #isClosed = false;

  /**
   * @param first what the client sent behind its request, without waiting for the answer
   * @param handle the way of all requests
   */
  take(
    request: IncomingMessage,
    client: Duplex,
    first: Buffer,
    handle: (request: IncomingMessage, response: ProxiedResponse) => void,
  ): void {
    if (this.#isClosed) {
      client.destroy();
      return;
    }
    this.#open.add(client);
    client.once('close', () => this.#open.delete(client));
    if (first.length > 0) client.unshift(first);
    afterEarlierResponses(client, () => {
      client.on('error', () => client.destroy());
      client.on('drain', onDrain);
      watchForEarlyEnd(client);
      handle(request, attachResponse(request, client));
    });
  }

  /** Breaks all connections off, also those that come after. */
  close(): void {
    this.#isClosed = true;
    for (const client of this.#open) client.destroy();
  }
}

/**
 * Hands a connection back to the server that let go of it because its request has an `Upgrade`, which is left out
 * this time. Before Node 24.9 a server lets go of all of those, and cannot be told to keep any.
 */
export function serveWithoutUpgrade(
  serve: (client: Duplex) => void,
  request: IncomingMessage,
  client: Duplex,
  first: Buffer,
): void {
  const { method, url, httpVersion, rawHeaders } = request;
  let head = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]?.toLowerCase() !== 'upgrade') head += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  }
  client.unshift(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), first]));
  afterEarlierResponses(client, () => serve(client));
}

/**
 * The server lets go of a connection although responses to earlier, pipelined requests may still be on their way.
 * They come first, and need what the server did for them: to be told when there is room again.
 */
function afterEarlierResponses(client: ServedConnection, proceed: () => void): void {
  if (client._httpMessage == null) {
    proceed();
    return;
  }
  const onError = () => client.destroy();
  client.on('error', onError).on('drain', onDrain);
  const next = () => {
    // By now node:http has attached the response that comes after the one that is finished.
    if (client._httpMessage != null) {
      client._httpMessage.once('finish', next);
      return;
    }
    client.off('error', onError).off('drain', onDrain);
    if (client.writable) proceed();
  };
  next();
}

function onDrain(this: ServedConnection): void {
  this._httpMessage?.emit('drain');
}

function attachResponse(request: IncomingMessage, client: Duplex): ProxiedResponse {
  const response = new ProxiedResponse(request);
  response.upgrading = client;
  response.shouldKeepAlive = false;
  // The types want a Socket; the server itself attaches its responses to any Duplex.
  response.assignSocket(client as Socket);
  response.once('finish', () => client.end(() => client.destroy()));
  return response;
}
