import { Readable } from 'node:stream';
import { ByteSource, EndedEarly, type Ending } from './byte-source.ts';

/** Start line and header section as they were on the wire, in latin-1: one char a byte. */
export interface Head {
  readonly startLine: string;
  /** `[name, value, …]`: case, order and repeats kept, white space around values removed. */
  readonly headers: readonly string[];
}

/** How the end of the body was told (RFC 9112 section 6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'until-close';

export interface Body {
  readonly framing: Framing;
  /** Without the transfer coding, with the content coding. */
  readonly body: Buffer;
  readonly trailers: readonly string[];
  /** `complete`, or how the connection ended before the body did. */
  readonly ending: 'complete' | Ending;
}

export interface Request extends Head, Body {}

export interface Response extends Head, Body {
  readonly status: number;
  readonly reason: string;
  /** The 1xx responses that came before. */
  readonly interim: readonly Head[];
}

/** Reads a start line and a header section. @throws {EndedEarly} */
export async function readHead(source: ByteSource): Promise<Head> {
  const bytes = await source.until('\r\n\r\n');
  const [startLine = '', ...lines] = bytes.subarray(0, -4).toString('latin1').split('\r\n');
  return { startLine, headers: splitFields(lines) };
}

/** Reads the body that follows a request head. Never throws on an early end: `ending` tells. */
export function readRequestBody(source: ByteSource, head: Head): Promise<Body> {
  const framing = declaredFraming(head);
  return readBody(source, head, framing === 'until-close' ? 'none' : framing);
}

/** Reads the 1xx responses, then the final one with its body. @throws {EndedEarly} before a final head */
export async function readResponse(source: ByteSource, method: string): Promise<Response> {
  const interim: Head[] = [];
  for (;;) {
    const head = await readHead(source);
    const { status, reason } = splitStatusLine(head.startLine);
    if (status >= 100 && status < 200 && status !== 101) {
      interim.push(head);
      continue;
    }
    const opensTunnel = method === 'CONNECT' && status < 300;
    const bodiless = method === 'HEAD' || opensTunnel || status === 204 || status === 304 || status === 101;
    const body = await readBody(source, head, bodiless ? 'none' : declaredFraming(head));
    return { ...head, ...body, status, reason, interim };
  }
}

/** Splits the bytes of a whole response, as a client would that reads them off a connection that ends there. */
export function splitResponse(bytes: Uint8Array, method: string): Promise<Response> {
  return readResponse(sourceOf(bytes), method);
}

/** Splits the bytes of a whole request. */
export async function splitRequest(bytes: Uint8Array): Promise<Request> {
  const source = sourceOf(bytes);
  const head = await readHead(source);
  return { ...head, ...(await readRequestBody(source, head)) };
}

function sourceOf(bytes: Uint8Array): ByteSource {
  return new ByteSource(Readable.from([bytes], { objectMode: false }));
}

/** The first value of a field. */
export function field(head: Pick<Head, 'headers'>, name: string): string | undefined {
  return fields(head, name)[0];
}

/** All values of a field. */
export function fields({ headers }: Pick<Head, 'headers'>, name: string): string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name);
}

function splitFields(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
  });
}

function splitStatusLine(line: string): { status: number; reason: string } {
  const parts = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(line);
  if (parts === null) throw new Error(`expected a status line, got ${JSON.stringify(line)}`);
  return { status: Number(parts[1]), reason: parts[2] ?? '' };
}

function declaredFraming(head: Head): Framing {
  if (field(head, 'transfer-encoding') !== undefined) return 'chunked';
  return field(head, 'content-length') === undefined ? 'until-close' : 'length';
}

async function readBody(source: ByteSource, head: Head, framing: Framing): Promise<Body> {
  switch (framing) {
    case 'none':
      return { framing, body: Buffer.alloc(0), trailers: [], ending: 'complete' };
    case 'length':
      return readSized(source, Number(field(head, 'content-length')));
    case 'chunked':
      return readChunked(source);
    case 'until-close': {
      const { bytes, ending } = await source.rest();
      return { framing, body: bytes, trailers: [], ending: ending === 'end' ? 'complete' : ending };
    }
  }
}

async function readSized(source: ByteSource, length: number): Promise<Body> {
  const framing = 'length';
  try {
    return { framing, body: await source.exactly(length), trailers: [], ending: 'complete' };
  } catch (error) {
    if (!(error instanceof EndedEarly)) throw error;
    return { framing, body: error.partial, trailers: [], ending: error.ending };
  }
}

async function readChunked(source: ByteSource): Promise<Body> {
  const framing = 'chunked';
  const chunks: Buffer[] = [];
  try {
    for (;;) {
      const size = await readChunkSize(source);
      if (size === 0) break;
      chunks.push((await source.exactly(size + 2)).subarray(0, -2));
    }
    const trailers = await readTrailers(source);
    return { framing, body: Buffer.concat(chunks), trailers, ending: 'complete' };
  } catch (error) {
    if (!(error instanceof EndedEarly)) throw error;
    return { framing, body: Buffer.concat([...chunks, error.partial]), trailers: [], ending: error.ending };
  }
}

async function readChunkSize(source: ByteSource): Promise<number> {
  const line = (await source.until('\r\n')).toString('latin1');
  const size = /^[0-9a-fA-F]+/.exec(line);
  if (size === null) throw new Error(`expected a chunk size, got ${JSON.stringify(line)}`);
  return Number.parseInt(size[0], 16);
}

async function readTrailers(source: ByteSource): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = (await source.until('\r\n')).toString('latin1').slice(0, -2);
    if (line === '') return splitFields(lines);
    lines.push(line);
  }
}
