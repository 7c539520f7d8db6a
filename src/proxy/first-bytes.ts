import type { Duplex } from 'node:stream';
import { type ClientHello, readClientHello } from './client-hello.ts';

/** What a client turned out to speak. `bytes` are all that was read of it. */
export type FirstBytes =
  | { readonly kind: 'http'; readonly bytes: Buffer }
  | { readonly kind: 'tls'; readonly bytes: Buffer; readonly hello: ClientHello }
  /** Another protocol; one in which the server speaks first is one, too. */
  | { readonly kind: 'other'; readonly bytes: Buffer }
  /** The client went away, or did not say enough in time. */
  | { readonly kind: 'nothing' };

/** A silent client may wait for the server to speak first: from then on the server is listened to as well. */
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

/** What the first bytes are; undefined when more of them are needed to tell. */
export function classifyFirstBytes(bytes: Buffer): FirstBytes | undefined {
  if (bytes.length === 0) return undefined;
  const hello = readClientHello(bytes);
  if (hello !== false) return hello && { kind: 'tls', bytes, hello };
  const isHttp = isHttpRequest(bytes);
  return isHttp === undefined ? undefined : { kind: isHttp ? 'http' : 'other', bytes };
}

/** How long first bytes are waited for, and what for beside them. */
export interface FirstBytesOptions {
  /** Milliseconds until a client must have said enough to be understood. */
  readonly timeoutMs: number;
  /**
   * Connects to the server when the client says nothing for a moment; undefined where nothing may leave yet. It
   * must not fail: what it cannot reach stays silent.
   */
  readonly reachServer?: (() => Promise<Duplex | undefined>) | undefined;
}

/**
 * Reads a client's first bytes until it is clear what it speaks. Client and server are paused then, nothing of
 * theirs is lost: what was read of the client is in `bytes`, of the server put back.
 *
 * @param head what has been read of the client already
 */
export function readFirstBytes(
  client: Duplex,
  head: Buffer,
  options: FirstBytesOptions,
): Promise<FirstBytes> {
  return new Promise((resolve) => {
    let bytes = head;
    let server: Duplex | undefined;
    let isDecided = false;
    const decide = (first: FirstBytes) => {
      isDecided = true;
      clearTimeout(silence);
      clearTimeout(deadline);
      client.off('data', onData).off('end', onEnd).off('close', onClose).pause();
      server?.off('data', onServerData).off('end', onServerEnd).off('close', onServerEnd).pause();
      resolve(first);
    };
    const onData = (chunk: Buffer) => {
      clearTimeout(silence);
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const first = classifyFirstBytes(bytes);
      if (first !== undefined) decide(first);
    };
    // Half a request line before the end, or nothing, is not ours to judge: whoever is at the far end may know it.
    const onEnd = () => decide({ kind: 'other', bytes });
    const onClose = () => decide({ kind: 'nothing' });
    const onServerData = (chunk: Buffer) => {
      decide({ kind: 'other', bytes });
      server?.unshift(chunk);
    };
    const onServerEnd = () => decide({ kind: 'other', bytes });
    const listenToServer = async () => {
      const reached = await options.reachServer?.();
      if (reached === undefined) return;
      if (isDecided) {
        // The client spoke while the connection was being made: now nobody waits for it.
        reached.destroy();
        return;
      }
      server = reached.on('data', onServerData).on('end', onServerEnd).on('close', onServerEnd);
    };
    const silence = setTimeout(listenToServer, SILENCE_MS);
    const deadline = setTimeout(() => decide({ kind: 'nothing' }), options.timeoutMs);
    client.on('data', onData).on('end', onEnd).on('close', onClose);
    if (head.length > 0) {
      const first = classifyFirstBytes(head);
      if (first !== undefined) decide(first);
    }
  });
}
