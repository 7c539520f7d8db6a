import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { CarriedConnection, isCarried } from './carried-connection.ts';
import { ProxyError } from './errors.ts';
import type { ExchangePath } from './exchange-path.ts';
import { carriedMethod, carryUnknownMethod, PLACEHOLDER_METHOD } from './method-carrier.ts';
import { ProxiedResponse } from './relay.ts';
import { rawErrorResponse } from './respond.ts';
import { wantsOtherProtocol } from './upgrade-request.ts';
import { serveWithoutUpgrade, type Upgrades } from './upgrades.ts';

/** Limits on what clients of a listener may send, and how slowly. */
export interface ListenerLimits {
  /** Bytes of a request line and header section together. */
  readonly maxHeaderBytes: number;
  /** Milliseconds until a request's header section must be complete. */
  readonly headerTimeoutMs: number;
  /** Milliseconds for which an idle connection is kept open. */
  readonly keepAliveTimeoutMs: number;
}

/** First byte of a TLS record that carries a handshake (RFC 8446 section 5.1). */
const TLS_HANDSHAKE = 0x16;

/**
 * An HTTP/1.1 server in front of an exchange path. Parsing is `node:http`'s, strict; what it refuses is
 * answered in our form, and methods that it does not know are carried past it.
 *
 * @param takeTls takes over a client that speaks TLS; undefined: it is refused
 */
export function createListener(
  path: ExchangePath,
  limits: ListenerLimits,
  upgrades: Upgrades,
  takeTls?: (client: CarriedConnection) => void,
): Server<typeof IncomingMessage, typeof ProxiedResponse> {
  const server = createServer({
    ServerResponse: ProxiedResponse,
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headerTimeoutMs,
    // Bodies may stream for ever: only the header section has to come in time.
    requestTimeout: 0,
    connectionsCheckingInterval: 1000,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    // Whether a Host is needed depends on the target; its absence is answered in our form.
    requireHostHeader: false,
    shouldUpgradeCallback: wantsOtherProtocol,
    insecureHTTPParser: false,
    noDelay: true,
  });
  server.maxHeadersCount = 0;

  const handle = (request: IncomingMessage, response: ProxiedResponse) => {
    const { method = 'GET' } = request;
    if (method !== PLACEHOLDER_METHOD) {
      path.handle(request, response, method);
      return;
    }
    const carried = carriedMethod(request);
    if (carried !== undefined) response.shouldKeepAlive = false;
    path.handle(request, response, carried ?? method);
  };
  server.on('request', handle);
  server.on('checkContinue', handle);
  server.on('checkExpectation', handle);
  server.on('upgrade', (request, client, first) => {
    if (wantsOtherProtocol(request)) upgrades.take(request, client, first, handle);
    else serveWithoutUpgrade((connection) => server.emit('connection', connection), request, client, first);
  });
  server.on('clientError', (error: ParserError, socket: Duplex) => {
    // The parser that a connection was taken away from reports its silence.
    if (isCarried(socket)) return;
    if (error.code === 'HPE_INVALID_METHOD') {
      if (carryUnknownMethod(server, error.rawPacket, socket)) return;
      if (takeTls !== undefined && error.rawPacket?.[0] === TLS_HANDSHAKE) {
        takeTls(new CarriedConnection(socket, error.rawPacket, {}));
        return;
      }
    }
    answerClientError(error, socket);
  });
  return server;
}

/** What the parser tells of a request that it refuses. */
interface ParserError extends Error {
  readonly code?: string;
  readonly reason?: string;
  readonly rawPacket?: Buffer;
}

function answerClientError(error: ParserError, socket: Duplex): void {
  const { _httpMessage: pending } = socket as Duplex & { _httpMessage?: unknown };
  if (pending instanceof ProxiedResponse && pending.req.complete && !pending.writableFinished) {
    // What cannot be parsed came behind a request that still waits for its answer. An error sent now would be
    // taken for that answer, or for part of it: the connection ends after it instead.
    pending.shouldKeepAlive = false;
    pending.once('finish', () => socket.destroy());
  } else if (!socket.writable || error.code === 'ECONNRESET' || pending instanceof ProxiedResponse) {
    socket.destroy();
  } else {
    socket.end(rawErrorResponse(describeClientError(error)), () => socket.destroy());
  }
}

function describeClientError(error: ParserError): ProxyError {
  switch (error.code) {
    case 'HPE_HEADER_OVERFLOW':
      return new ProxyError(
        'header_too_large',
        'the request line and header fields are larger than this proxy takes',
        error,
      );
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProxyError('request_timeout', 'the request header was not complete in time', error);
    case 'HPE_INVALID_METHOD':
      return new ProxyError(
        'malformed_request',
        'this is no HTTP/1.1 request: expected METHOD SP TARGET SP HTTP/1.1',
        error,
      );
    default:
      return new ProxyError(
        'malformed_request',
        `the request is not valid HTTP/1.1: ${error.reason ?? error.message}`,
        error,
      );
  }
}

/** Where a server listens, as a URL. A wildcard address is reached over loopback. */
export function urlOf(server: NetServer, host: string): string {
  const { port } = server.address() as AddressInfo;
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
