/** What a TLS client says of itself in its first message, as far as it matters here. */
export interface ClientHello {
  /** `server_name` (RFC 6066 section 3), lower case; undefined where the client sent none, as for IP addresses. */
  readonly serverName: string | undefined;
  /** The protocols that it offers to speak inside (ALPN, RFC 7301); empty where it says nothing about them. */
  readonly protocols: readonly string[];
}

/** Whoever sends more than this before the message is whole sends no ClientHello: real ones have 200 to 4000 bytes. */
const MAX_BYTES = 64 * 1024;

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
/** RFC 8446 section 5.1; some stacks go a little beyond. */
const MAX_RECORD_BYTES = 16_384 + 256;

const SERVER_NAME_EXTENSION = 0;
const ALPN_EXTENSION = 16;
const HOST_NAME_TYPE = 0;

/**
 * Reads a client's first bytes as TLS (RFC 8446 sections 4.1.2 and 5.1; the same since TLS 1.0). A hello may be
 * spread over several records.
 *
 * @returns undefined when more bytes are needed to tell, `false` when this is no ClientHello
 */
export function readClientHello(bytes: Buffer): ClientHello | false | undefined {
  const message = readMessage(bytes);
  if (!Buffer.isBuffer(message)) return message;
  try {
    return readHello(new Fields(message));
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The first handshake message, put together from its records. */
function readMessage(bytes: Buffer): Buffer | false | undefined {
  const parts: Buffer[] = [];
  let gathered = 0;
  let wanted: number | undefined;
  for (let at = 0; wanted === undefined || gathered < wanted; ) {
    if (!startsRecord(bytes, at)) return false;
    if (bytes.length < at + RECORD_HEADER_BYTES) return bytes.length > MAX_BYTES ? false : undefined;
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0 || length > MAX_RECORD_BYTES) return false;
    const part = bytes.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + length);
    parts.push(part);
    gathered += part.length;
    if (wanted === undefined) {
      const start = parts.length === 1 ? part : Buffer.concat(parts);
      if (start.length > 0 && start[0] !== CLIENT_HELLO) return false;
      if (start.length >= MESSAGE_HEADER_BYTES) wanted = MESSAGE_HEADER_BYTES + start.readUIntBE(1, 3);
      if (wanted !== undefined && wanted > MAX_BYTES) return false;
    }
    if (part.length < length && (wanted === undefined || gathered < wanted)) return undefined;
    at += RECORD_HEADER_BYTES + length;
  }
  return Buffer.concat(parts).subarray(MESSAGE_HEADER_BYTES, wanted);
}

/** Whether what there is of a record header at `at` can be one: type 22, version 3.x. */
function startsRecord(bytes: Buffer, at: number): boolean {
  const type = bytes[at] ?? HANDSHAKE_RECORD;
  const major = bytes[at + 1] ?? 3;
  const minor = bytes[at + 2] ?? 1;
  return type === HANDSHAKE_RECORD && major === 3 && minor <= 4;
}

function readHello(hello: Fields): ClientHello {
  hello.skip(2 + 32); // legacy_version, random
  hello.block(1); // legacy_session_id
  hello.block(2); // cipher_suites
  hello.block(1); // legacy_compression_methods
  let serverName: string | undefined;
  let protocols: string[] = [];
  // TLS 1.2 lets the extensions be missing as a whole.
  const extensions = hello.isEmpty ? hello : hello.block(2);
  while (!extensions.isEmpty) {
    const type = extensions.uint(2);
    const content = extensions.block(2);
    if (type === SERVER_NAME_EXTENSION) serverName = readServerName(content);
    else if (type === ALPN_EXTENSION) protocols = readProtocols(content);
  }
  return { serverName, protocols };
}

function readServerName(content: Fields): string | undefined {
  const names = content.block(2);
  while (!names.isEmpty) {
    const type = names.uint(1);
    const name = names.block(2).text();
    if (type === HOST_NAME_TYPE && name !== '') return name.toLowerCase();
  }
  return undefined;
}

function readProtocols(content: Fields): string[] {
  const list = content.block(2);
  const protocols: string[] = [];
  while (!list.isEmpty) protocols.push(list.block(1).text());
  return protocols;
}

/** Reads numbers and length-prefixed blocks one after another. Beyond the end is a RangeError. */
class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isEmpty(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new RangeError('beyond the end');
    this.#at += count;
  }

  uint(size: 1 | 2): number {
    const value = this.#bytes.readUIntBE(this.#at, size);
    this.#at += size;
    return value;
  }

  /** A block whose length stands in front of it. */
  block(lengthSize: 1 | 2): Fields {
    const length = this.uint(lengthSize);
    const start = this.#at;
    this.skip(length);
    return new Fields(this.#bytes.subarray(start, start + length));
  }

  text(): string {
    return this.#bytes.toString('latin1');
  }
}
