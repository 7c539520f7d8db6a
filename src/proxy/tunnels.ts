import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Connector } from './connector.ts';
import { describeUpstreamFailure, ProxyError } from './errors.ts';
import { rawErrorResponse } from './respond.ts';
import { parseOrigin } from './target.ts';

/**
 * The blind tunnels of CONNECT (RFC 9110 section 9.3.6): bytes both ways, untouched, unread. Each direction
 * ends on its own, so that a half-closed connection stays one.
 */
export class Tunnels {
  readonly #connect: Connector;
  readonly #open = new Set<Duplex>();

  constructor(connect: Connector) {
    this.#connect = connect;
  }

  get size(): number {
    return this.#open.size;
  }

  /** @param head what the client has sent already behind its request */
  open(request: IncomingMessage, client: Duplex, head: Buffer): void {
    client.on('error', () => client.destroy());
    let authority: string;
    let hostname: string;
    let port: number;
    try {
      authority = request.url ?? '';
      if (!/:\d+$/.test(authority)) {
        throw new ProxyError('invalid_target', 'CONNECT needs host:port (RFC 9110 section 9.3.6)');
      }
      ({ hostname, port } = parseOrigin('http', authority));
    } catch (error) {
      refuse(client, error instanceof ProxyError ? error : describeUpstreamFailure(error, 'the target'));
      return;
    }
    this.#connect({ hostname, protocol: 'http:', port: String(port) }, (error, upstream) => {
      if (error !== null || !(upstream instanceof Socket)) {
        refuse(client, describeUpstreamFailure(error, authority));
      } else if (client.destroyed) {
        upstream.destroy();
      } else {
        this.#join(client, upstream, head);
      }
    });
  }

  #join(client: Duplex, upstream: Socket, head: Buffer): void {
    this.#open.add(client);
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) upstream.write(head);
    client.pipe(upstream);
    upstream.pipe(client);
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => {
      // What the upstream sent last is still on its way to the client; only a failure cuts it short.
      if (upstream.errored !== null) client.destroy();
    });
    client.on('close', () => {
      this.#open.delete(client);
      upstream.destroy();
    });
  }

  /** Breaks all tunnels off. */
  close(): void {
    for (const client of this.#open) client.destroy();
  }
}

function refuse(client: Duplex, error: ProxyError): void {
  if (!client.writable) return;
  client.end(rawErrorResponse(error), () => client.destroy());
}
