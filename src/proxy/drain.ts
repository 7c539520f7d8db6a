import type { Server as NetServer } from 'node:net';

/** An HTTP server, whichever classes its requests and responses have. */
export interface AnyServer extends NetServer {
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

/** How often connections that have become idle are looked for, in milliseconds. */
const SWEEP_MS = 20;

/**
 * Closes a server: no new connections, idle ones closed at once, those in use when their request is done or
 * the deadline has passed.
 *
 * @param deadline a `performance.now()` time
 */
export function drain(server: AnyServer, deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => {
      if (performance.now() >= deadline) server.closeAllConnections();
      else server.closeIdleConnections();
    }, SWEEP_MS);
    // Also called back with an error when the server was not listening: then there is nothing to wait for.
    server.close(() => {
      clearInterval(sweep);
      resolve();
    });
    server.closeIdleConnections();
  });
}
