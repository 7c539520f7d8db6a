import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { PreparedResponse } from '../runtime/index.ts';
import type { ProxyError } from './errors.ts';

/** Writes a rule's answer: its bytes were made ready when the rule arrived. */
export function writePrepared(response: ServerResponse, prepared: PreparedResponse): void {
  response.writeHead(prepared.status, prepared.wireHeaders as string[]);
  // For HEAD node:http keeps the content-length and leaves the body out.
  if (prepared.bodyText === undefined) response.end(prepared.body);
  else response.end(prepared.bodyText, 'latin1');
}

/** Writes what the proxy says when it fails itself (CONTRACT section 9). */
export function writeError(response: ServerResponse, error: ProxyError): void {
  if (response.destroyed) return;
  const body = errorBody(error);
  response.writeHead(error.status, errorFields(body));
  response.end(body);
}

/** The same as text for the wire, for a client whose request could not be parsed. The connection ends with it. */
export function rawErrorResponse(error: ProxyError): string {
  const body = errorBody(error);
  return rawResponse(error.status, errorFields(body), body);
}

/** A rule's or policy's answer as text for the wire, latin-1; the connection ends with it. */
export function rawPreparedResponse({ status, wireHeaders, body }: PreparedResponse): string {
  return rawResponse(status, wireHeaders, Buffer.from(body).toString('latin1'));
}

function rawResponse(status: number, fields: readonly string[], body: string): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${text}connection: close\r\n\r\n${body}`;
}

function errorBody({ code, message }: ProxyError): string {
  // ASCII only: the length in characters is the length in octets, also where this is written as latin-1.
  const json = JSON.stringify({ error: { code, message } });
  return `${json.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

function errorFields(body: string): string[] {
  return [
    'content-type',
    'application/json',
    'content-length',
    String(body.length),
    'x-softprobe-outcome',
    'proxy-error',
  ];
}
