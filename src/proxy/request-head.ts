import type { Attribution, Direction } from '../cases/index.ts';
import { ProxyError } from './errors.ts';

/**
 * What the proxy needs to know of a request's header section, gathered in one pass, together with the
 * fields that travel on. Names are compared once, by length first: most fields are nobody's business.
 */
export interface RequestHead {
  /** The fields to forward, in order, as they came: no hop-by-hop ones, and on egress none of ours. */
  readonly fields: string[];
  host: string | undefined;
  hostCount: number;
  contentLength: string | undefined;
  /** All `Transfer-Encoding` fields as one list. */
  transferEncoding: string | undefined;
  expect: string | undefined;
  traceparent: string | undefined;
  traceparentCount: number;
  /** All `tracestate` fields as one list (W3C Trace Context section 3.3.1). */
  tracestate: string | undefined;
  /** Candidates for the session id, best first (CONTRACT section 2, step 1): four names, four places. */
  softprobeSessionId: string | undefined;
  olderSessionIds: OlderSessionIds | undefined;
  /** All `baggage` fields as one list (W3C Baggage section 3.1). */
  baggage: string | undefined;
  proxyAuthorization: string | undefined;
  /** What tied the request to a session; undefined as long as nothing has. */
  attribution: Attribution | undefined;
  /** The request names a session that is not open. */
  namesUnknownSession: boolean;
}

/** The session id under the names that older clients send. */
export interface OlderSessionIds {
  'x-sp-session-id'?: string;
  sp_session_id?: string;
  'x-session-id'?: string;
}

/**
 * Reads a request's raw header list.
 *
 * Dropped as hop-by-hop (RFC 9110 section 7.6.1): `Connection` and the fields that it names, `Keep-Alive`,
 * `Proxy-Connection` (never standard, but sent), `Proxy-Authorization` and `Proxy-Authenticate` (meant for
 * this proxy), `Upgrade`, and `TE` unless it says just `trailers`, which we do pass on. `Transfer-Encoding`
 * stays: a chunked body is sent on chunked.
 */
export function readRequestHead(rawHeaders: readonly string[], direction: Direction): RequestHead {
  const fields: string[] = [];
  const head: RequestHead = {
    fields,
    host: undefined,
    hostCount: 0,
    contentLength: undefined,
    transferEncoding: undefined,
    expect: undefined,
    traceparent: undefined,
    traceparentCount: 0,
    tracestate: undefined,
    softprobeSessionId: undefined,
    olderSessionIds: undefined,
    baggage: undefined,
    proxyAuthorization: undefined,
    attribution: undefined,
    namesUnknownSession: false,
  };
  let connection: string | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    switch (name.length) {
      case 2:
        if (is(name, 'te') && value.toLowerCase() !== 'trailers') continue;
        break;
      case 4:
        if (is(name, 'host')) {
          head.host = value;
          head.hostCount += 1;
        }
        break;
      case 6:
        if (is(name, 'expect')) {
          head.expect = value;
        }
        break;
      case 7:
        if (is(name, 'upgrade')) continue;
        if (is(name, 'baggage'))
          head.baggage = head.baggage === undefined ? value : `${head.baggage},${value}`;
        break;
      case 10:
        if (is(name, 'connection')) {
          connection = connection === undefined ? value : `${connection},${value}`;
          continue;
        }
        if (is(name, 'keep-alive')) continue;
        if (is(name, 'tracestate')) {
          head.tracestate = head.tracestate === undefined ? value : `${head.tracestate},${value}`;
        }
        break;
      case 11:
        if (is(name, 'traceparent')) {
          head.traceparent = value;
          head.traceparentCount += 1;
        }
        break;
      case 12:
        if (is(name, 'x-session-id')) rememberOlder(head, 'x-session-id', value);
        break;
      case 13:
        if (is(name, 'sp_session_id')) rememberOlder(head, 'sp_session_id', value);
        break;
      case 14:
        if (is(name, 'content-length')) head.contentLength = value;
        break;
      case 15:
        if (is(name, 'x-sp-session-id')) rememberOlder(head, 'x-sp-session-id', value);
        break;
      case 16:
        if (is(name, 'proxy-connection')) continue;
        if (direction === 'outbound' && isOurs(name)) continue;
        break;
      case 17:
        if (is(name, 'transfer-encoding')) {
          head.transferEncoding =
            head.transferEncoding === undefined ? value : `${head.transferEncoding},${value}`;
          break;
        }
        if (direction === 'outbound' && isOurs(name)) continue;
        break;
      case 18:
        if (is(name, 'proxy-authenticate')) continue;
        if (direction === 'outbound' && isOurs(name)) continue;
        break;
      case 19:
        if (is(name, 'proxy-authorization')) {
          head.proxyAuthorization = value;
          continue;
        }
        if (direction === 'outbound' && isOurs(name)) continue;
        break;
      case 22:
        if (is(name, 'x-softprobe-session-id')) head.softprobeSessionId ??= value;
        if (direction === 'outbound' && isOurs(name)) continue;
        break;
      default:
        if (name.length > 12 && direction === 'outbound' && isOurs(name)) continue;
    }
    fields.push(name, value);
  }
  if (connection !== undefined) dropNominated(fields, connection);
  return head;
}

/**
 * Refuses what the parser lets pass and no recipient may.
 *
 * @throws {ProxyError} `malformed_request`
 */
export function checkRequestHead(head: RequestHead, httpVersionMinor: number): void {
  if (head.hostCount !== 1 && (head.hostCount > 1 || httpVersionMinor > 0)) {
    const count = head.hostCount === 0 ? 'no Host field' : 'more than one Host field';
    throw new ProxyError('malformed_request', `the request has ${count} (RFC 9112 section 3.2)`);
  }
  const { transferEncoding } = head;
  if (transferEncoding !== undefined && !/(?:^|,)[ \t]*chunked[ \t]*$/i.test(transferEncoding)) {
    throw new ProxyError(
      'malformed_request',
      'the last transfer coding of the request is not chunked: its body has no end (RFC 9112 section 6.3)',
    );
  }
}

/** Whether a field name is `lower`; names mostly come in the case in which we compare them. */
function is(name: string, lower: string): boolean {
  return name === lower || name.toLowerCase() === lower;
}

function isOurs(name: string): boolean {
  const first = name.charCodeAt(0) | 0x20;
  return first === 0x78 /* x */ && name.slice(0, 12).toLowerCase() === 'x-softprobe-';
}

function rememberOlder(head: RequestHead, name: keyof OlderSessionIds, value: string): void {
  head.olderSessionIds ??= {};
  head.olderSessionIds[name] ??= value;
}

/** What `Connection` may not take away: a message without them would be another message. */
const ESSENTIAL = new Set(['host', 'content-length', 'keep-alive', 'close', 'te', '']);

/** Drops the fields that a `Connection` field names (RFC 9110 section 7.6.1), in place. */
export function dropNominated(fields: string[], connection: string): void {
  if (connection === 'keep-alive' || connection === 'close') return;
  const nominated = new Set<string>();
  for (const token of connection.split(',')) {
    const name = token.trim().toLowerCase();
    if (!ESSENTIAL.has(name)) nominated.add(name);
  }
  if (nominated.size === 0) return;
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] as string;
    if (nominated.has(name.toLowerCase())) continue;
    fields[kept++] = name;
    fields[kept++] = fields[i + 1] as string;
  }
  fields.length = kept;
}
