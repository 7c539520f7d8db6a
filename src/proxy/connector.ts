import type { Socket } from 'node:net';
import { buildConnector } from 'undici';
import { ProxyError, UPSTREAM_RESET } from './errors.ts';
import type { OwnListeners } from './own-listeners.ts';

/** Opens a connection to an upstream: TCP, and TLS on it for https. */
export type Connector = buildConnector.connector;

/**
 * Makes the one connector that everything uses which opens connections. Certificates are verified against
 * the roots of Node; a connection to one of our own listeners is given up as a loop.
 *
 * @param connectTimeoutMs milliseconds until a connection must stand, TLS included
 */
export function createConnector(connectTimeoutMs: number, ownListeners: OwnListeners): Connector {
  const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false, autoSelectFamily: true });
  return (options, callback) => {
    connect(
      options,
      (...result: buildConnector.Callback extends (...args: infer Args) => void ? Args : never) => {
        const [error, socket] = result;
        if (error === null && ownListeners.isPeerOf(socket as Socket)) {
          socket.destroy();
          callback(
            new ProxyError(
              'loop_detected',
              `${options.host || options.hostname} is a listener of this proxy; a request sent there would come round for ever`,
            ),
            null,
          );
          return;
        }
        socket?.prependListener('error', renameReset);
        callback(...result);
      },
    );
  };
}

/**
 * undici takes `ECONNRESET` for the end of a body that is framed by the connection's close. A reset is none:
 * the client must not get a clean end for it. Under another code undici reports it as the failure that it is.
 */
function renameReset(error: NodeJS.ErrnoException): void {
  if (error.code === 'ECONNRESET') error.code = UPSTREAM_RESET;
}
