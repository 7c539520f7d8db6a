/**
 * Loaded into a program by `--import`, it writes to `SOCKET_LOG` a line for each TCP connection that the program
 * opens and each name that it looks up, however and through whatever library: node makes one of these resources
 * for every one of them.
 */
import { createHook } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';

const kinds = new Map([
  ['TCPCONNECTWRAP', 'connect'],
  ['GETADDRINFOREQWRAP', 'lookup'],
  ['QUERYWRAP', 'lookup'],
]);
const { SOCKET_LOG = '' } = process.env;

createHook({
  init(_id, type) {
    const kind = kinds.get(type);
    if (kind !== undefined) appendFileSync(SOCKET_LOG, `${kind}\n`);
  },
}).enable();
