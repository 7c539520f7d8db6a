import type { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import { CarriedConnection } from './carried-connection.ts';
import { tunnelOf } from './intercepted-connection.ts';

/**
 * The parser of `node:http` knows a fixed list of methods and refuses others, while RFC 9110 section 9.1
 * leaves the list open. A request with another method is parsed again with this one in its place, and the
 * real one is kept beside its connection. Any method that the parser treats like no other would do; this one
 * hardly anybody sends, so that the look-up costs nothing in practice.
 */
export const PLACEHOLDER_METHOD = 'UNBIND';

/** A request line with any token as its method (RFC 9112 section 3). */
const REQUEST_LINE = /^(?:\r?\n)*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}) [^\s]+ HTTP\/1\.[01]\r?\n/;

/** The real method of a request whose method the parser did not know. */
export function carriedMethod({ socket }: { readonly socket: Duplex }): string | undefined {
  return socket instanceof CarriedConnection ? socket.takeMethod() : undefined;
}

/**
 * Takes a connection over from the parser that gave up on it, and hands it to the server again with the
 * method replaced. The request is the connection's last.
 *
 * @returns false when the bytes are no request line, or are not the beginning of a message
 */
export function carryUnknownMethod(
  server: EventEmitter,
  packet: Buffer | undefined,
  socket: Duplex,
): boolean {
  if (packet === undefined || !socket.writable) return false;
  // A response still under way belongs to an earlier request of this connection, on which the parser's error
  // would have to wait: such pipelining with a method unknown to the parser is refused.
  if ((socket as Duplex & { _httpMessage?: unknown })._httpMessage != null) return false;
  const line = REQUEST_LINE.exec(packet.toString('latin1', 0, 64 * 1024));
  const method = line?.[1];
  if (line === null || method === undefined) return false;
  const start = line[0].indexOf(method);
  const rest = packet.subarray(start + method.length);
  const first = Buffer.concat([Buffer.from(PLACEHOLDER_METHOD), rest]);
  server.emit('connection', new CarriedConnection(socket, first, { method, tunnel: tunnelOf(socket) }));
  return true;
}
