import type { Duplex } from 'node:stream';

/** How long a silent client is waited for: the protocols in which the server speaks first must go on, too. */
const SILENCE_MS = 200;
/** Bytes of a request line at most; whoever sends that many without one speaks another protocol. */
const MAX_BYTES = 64 * 1024;

/** A whole HTTP/1.x request line (RFC 9112 section 3), and what may still become one. */
const REQUEST_LINE = /^[A-Z][A-Z0-9_-]{0,31} \S+ HTTP\/1\.[01]\r?\n/;
const UNFINISHED_LINE = /^[A-Z][A-Z0-9_-]{0,31}(?: \S*(?: [HTP/1.0]{0,8}\r?)?)?$/;

/**
 * Whether a client's first bytes are an HTTP/1.x request.
 *
 * @returns undefined when more of them are needed to tell
 */
export function isHttpRequest(bytes: Buffer): boolean | undefined {
  const text = bytes.toString('latin1', 0, MAX_BYTES);
  if (text === '') return undefined;
  if (text.includes('\n')) return REQUEST_LINE.test(text);
  return text.length < MAX_BYTES && UNFINISHED_LINE.test(text) ? undefined : false;
}

/**
 * Reads a client's first bytes until it is clear whether they are HTTP. The client is paused then; what was read
 * is the caller's to pass on. A client that goes away, or says nothing for a while, speaks no HTTP; and where the
 * server has spoken first, or gone away, there is none to be expected.
 *
 * @param head what has been read already
 * @param server the far end, where there is a connection to it already
 */
export function readFirstBytes(
  client: Duplex,
  head: Buffer,
  server?: Duplex,
): Promise<{ bytes: Buffer; isHttp: boolean }> {
  return new Promise((resolve) => {
    let bytes = head;
    const decide = (isHttp: boolean) => {
      clearTimeout(timer);
      client.off('data', onData).off('end', isNone).off('close', isNone).pause();
      server?.off('data', onServerData).off('end', isNone).off('close', isNone).pause();
      resolve({ bytes, isHttp });
    };
    const look = () => {
      const isHttp = isHttpRequest(bytes);
      if (isHttp !== undefined) decide(isHttp);
    };
    const isNone = () => decide(false);
    const onData = (chunk: Buffer) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      look();
    };
    const onServerData = (chunk: Buffer) => {
      decide(false);
      server?.unshift(chunk);
    };
    const timer = setTimeout(isNone, SILENCE_MS);
    client.on('data', onData).on('end', isNone).on('close', isNone);
    server?.on('data', onServerData).on('end', isNone).on('close', isNone);
    look();
  });
}
