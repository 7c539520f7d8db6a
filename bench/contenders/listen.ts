import type { Server } from 'node:http';
import { Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** Listens on any free loopback port and says the URL on stdout. */
export function listen(server: Server | SecureServer): void {
  // wrk keeps its connections for the whole run: the default of 5 s must not cut them between two rounds.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1', 1024, () => {
    const { port } = server.address() as AddressInfo;
    const scheme = server instanceof SecureServer ? 'https' : 'http';
    process.stdout.write(`${scheme}://127.0.0.1:${port}\n`);
  });
}

/** The upstream's URL, which the benchmark gives as the first argument. */
export function upstreamUrl(): string {
  const url = process.argv[2];
  if (url === undefined) throw new Error('expected the URL of the upstream as first argument');
  return url;
}
