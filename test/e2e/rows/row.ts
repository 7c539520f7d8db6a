import { toBytes } from '../support/raw-client.ts';

/** One exchange, to the byte: what a client sends and what the origin answers. */
export interface Row {
  readonly name: string;
  readonly request: RowRequest;
  /** All bytes of the response. */
  readonly response: Uint8Array;
  /** What the case must hold as the request body, where that is not simply the bytes as text. */
  readonly recordedRequestBody?: RecordedForm;
  /** The same for the response body. */
  readonly recordedBody?: RecordedForm;
  /** Why this exchange cannot be answered from its case, where it cannot. */
  readonly notReplayable?: string;
}

/** How a case holds a body: as text, or in base64. */
export type RecordedForm = { readonly text: string } | { readonly base64: string };

export interface RowRequest {
  readonly method: string;
  /** Origin-form, or `*`. */
  readonly target: string;
  /** Header lines without the Host. */
  readonly lines: readonly string[];
  /** What follows the head, transfer coding included. */
  readonly body: Uint8Array;
}

/** A request. A string stands for bytes in latin-1. */
export function request(
  method: string,
  target: string,
  lines: readonly string[] = [],
  body: Uint8Array | string = '',
): RowRequest {
  return { method, target, lines, body: toBytes(body) };
}

/** A response: status line and header lines, then the body, transfer coding included. */
export function response(lines: readonly string[], body: Uint8Array | string = ''): Uint8Array {
  return Buffer.concat([toBytes(`${lines.join('\r\n')}\r\n\r\n`), toBytes(body)]);
}

/** 200 with a text body and nothing unusual. */
export function plain(text: string): Uint8Array {
  return response(['HTTP/1.1 200 OK', 'Content-Type: text/plain', `Content-Length: ${text.length}`], text);
}

/** A body in chunks of the given bytes, with trailer lines. */
export function chunked(
  chunks: readonly (Uint8Array | string)[],
  trailers: readonly string[] = [],
): Uint8Array {
  const coded = chunks.flatMap((chunk) => {
    const bytes = toBytes(chunk);
    return [toBytes(`${bytes.length.toString(16)}\r\n`), bytes, toBytes('\r\n')];
  });
  return Buffer.concat([...coded, toBytes(`0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`)]);
}
