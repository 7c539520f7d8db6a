import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { ProxyError, UPSTREAM_RESET } from './errors.ts';
import type { UpstreamTlsOptions } from './options.ts';
import type { OwnListeners } from './own-listeners.ts';
import { createTlsConnector } from './tls-connector.ts';
import { UpstreamTls } from './upstream-tls.ts';

/**
 * Opens a connection to an upstream: TCP, and TLS on it for https. `servername` is the name that TLS asks for and
 * that the certificate has to be for: '' asks for none. Undefined, it is the host's.
 */
export type Connector = (
  options: Pick<buildConnector.Options, 'hostname' | 'protocol' | 'port' | 'servername'>,
  callback: buildConnector.Callback,
) => void;

/**
 * Makes the one connector that everything uses which opens connections. A connection to one of our own listeners
 * is given up as a loop.
 *
 * @param connectTimeoutMs milliseconds until a connection must stand, TLS included
 * @throws {TypeError} when something in the TLS options cannot be used
 */
export function createConnector(
  connectTimeoutMs: number,
  ownListeners: OwnListeners,
  upstreamTls?: UpstreamTlsOptions,
): Connector {
  const refuse = (socket: Socket): Error | undefined =>
    ownListeners.isPeerOf(socket) ? loopTo(socket) : undefined;
  const connectPlainly = buildConnector({
    timeout: connectTimeoutMs,
    allowH2: false,
    autoSelectFamily: true,
  });
  const connectSecurely = createTlsConnector({
    timeoutMs: connectTimeoutMs,
    upstreamTls: new UpstreamTls(upstreamTls),
    refuse,
  });
  return (options, callback) => {
    const isSecure = options.protocol === 'https:';
    const connect = isSecure ? connectSecurely : connectPlainly;
    connect(options, (...result: Parameters<buildConnector.Callback>) => {
      const [error, socket] = result;
      const refusal = error === null && !isSecure ? refuse(socket) : undefined;
      if (refusal !== undefined) {
        socket?.destroy();
        callback(refusal, null);
        return;
      }
      socket?.prependListener('error', renameReset);
      callback(...result);
    });
  };
}

function loopTo({ remoteAddress, remotePort }: Socket): ProxyError {
  return new ProxyError(
    'loop_detected',
    `${remoteAddress}:${remotePort} is a listener of this proxy; a request sent there would come round for ever`,
  );
}

/**
 * undici takes `ECONNRESET` for the end of a body that is framed by the connection's close. A reset is none:
 * the client must not get a clean end for it. Under another code undici reports it as the failure that it is.
 */
function renameReset(error: NodeJS.ErrnoException): void {
  if (error.code === 'ECONNRESET') error.code = UPSTREAM_RESET;
}
