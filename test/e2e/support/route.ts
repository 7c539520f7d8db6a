import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import type { Row, RowRequest } from '../rows/row.ts';
import { Session } from './control-client.ts';
import {
  field,
  fields,
  type Head,
  type Request,
  type Response,
  splitRequest,
  splitResponse,
} from './http-message.ts';
import { AUTHORITY_CERTIFICATE, type Program } from './program.ts';
import { RawClient, toBytes } from './raw-client.ts';
import type { ScriptedOrigin } from './scripted-origin.ts';

/**
 * The way from a client to the origin. `direct` has nothing in between: it proves that a row, and the
 * harness, would pass if the proxy were perfect.
 */
export interface Route {
  readonly kind: 'direct' | 'ingress' | 'egress';
  /** Where the client connects to. */
  readonly url: string;
  /** How the request names its target. */
  readonly form: 'origin' | 'absolute';
  /** TLS that the proxy looks into: in a tunnel that the client asks for, or as if redirected to it. */
  readonly tls?: 'tunnel' | 'direct';
  /** The session that requests belong to, where they do. */
  readonly session?: Session;
}

/** A listener, how it is told where to go, and whether the request belongs to a session. */
export interface Way extends Pick<Route, 'kind' | 'form' | 'tls'> {
  readonly name: string;
  readonly inSession: boolean;
}

/** The ways that every exchange is tried on. */
export const ways: readonly Way[] = [
  { name: 'ingress, no session', kind: 'ingress', form: 'origin', inSession: false },
  { name: 'ingress, in a session', kind: 'ingress', form: 'origin', inSession: true },
  { name: 'egress, no session', kind: 'egress', form: 'absolute', inSession: false },
  { name: 'egress, in a session', kind: 'egress', form: 'absolute', inSession: true },
];

/** The egress listener where traffic was redirected to it: the Host alone names the target. */
export const waysByHost: readonly Way[] = [
  { name: 'egress by Host, no session', kind: 'egress', form: 'origin', inSession: false },
  { name: 'egress by Host, in a session', kind: 'egress', form: 'origin', inSession: true },
];

/** TLS that is looked into. */
export const waysThroughTls: readonly Way[] = [
  { name: 'TLS in a tunnel, no session', kind: 'egress', form: 'origin', tls: 'tunnel', inSession: false },
  { name: 'TLS in a tunnel, in a session', kind: 'egress', form: 'origin', tls: 'tunnel', inSession: true },
  { name: 'redirected TLS, no session', kind: 'egress', form: 'origin', tls: 'direct', inSession: false },
  { name: 'redirected TLS, in a session', kind: 'egress', form: 'origin', tls: 'direct', inSession: true },
];

/** Opens the way on a program, with a new capture session where it needs one. */
export async function openRoute(program: Program, { kind, form, tls, inSession }: Way): Promise<Route> {
  const url = kind === 'ingress' ? program.ingress : program.egress;
  const route = { kind, form, url, ...(tls && { tls }) };
  if (!inSession) return route;
  return { ...route, session: await Session.open(program.control, { mode: 'capture' }) };
}

/** A connection of its own for what is sent on this route. */
async function connectBy({ url, tls }: Route, origin: ScriptedOrigin): Promise<RawClient> {
  if (tls === undefined) return await RawClient.connect(url);
  const authority = tls === 'tunnel' ? origin.authority : undefined;
  const ca = await readFile(AUTHORITY_CERTIFICATE, 'utf8');
  return await RawClient.connectTls(url, { authority, ca, servername: 'localhost' });
}

/** Header fields that end at a hop (RFC 9110 section 7.6.1), and the framing of the transfer. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The Host that a client names: on egress it says where to go, else it is any name. */
function hostFor(route: Route, origin: ScriptedOrigin): string {
  return route.kind === 'egress' ? origin.authority : 'app.example:8081';
}

/** The bytes of a row's request on this route. */
export function renderRequest(request: RowRequest, route: Route, origin: ScriptedOrigin): Buffer {
  const host = hostFor(route, origin);
  // RFC 9112 section 3.2.4: `OPTIONS *` through a proxy is an absolute-form without path.
  const path = request.target === '*' ? '' : request.target;
  const target =
    route.form === 'absolute' ? `${new URL(origin.url).protocol}//${host}${path}` : request.target;
  const session = route.session === undefined ? [] : [`x-softprobe-session-id: ${route.session.id}`];
  const lines = [`${request.method} ${target} HTTP/1.1`, `Host: ${host}`, ...request.lines, ...session];
  return Buffer.concat([toBytes(`${lines.join('\r\n')}\r\n\r\n`), request.body]);
}

/** Sends a row's request on a connection of its own and reads the response. */
export async function send(row: Row, route: Route, origin: ScriptedOrigin): Promise<Response> {
  using client = await connectBy(route, origin);
  await client.write(renderRequest(row.request, route, origin));
  return await client.readResponse(row.request.method);
}

/** Checks that the origin saw what the client sent, but for what the contract says a hop may change. */
export async function expectRequestKept(seen: Request, row: Row, route: Route, origin: ScriptedOrigin) {
  const asSent = { ...route, form: 'origin' as const };
  const sent = await splitRequest(renderRequest(row.request, asSent, origin));
  assert.equal(seen.startLine, sent.startLine);
  assert.deepEqual(fields(seen, 'host'), [hostFor(route, origin)]);
  assert.deepEqual(requestHeaders(seen, route), requestHeaders(sent, route));
  assert.equal(seen.body.compare(sent.body), 0, 'the request body changed');
  assert.equal(seen.ending, 'complete');
  assert.deepEqual(seen.trailers, sent.trailers);
  assert.deepEqual(lengthOf(seen), lengthOf(sent));
  expectSessionHeaders(seen, route);
}

/** Checks that the client saw what the origin sent. */
export async function expectResponseKept(received: Response, row: Row, route: Route) {
  const sent = await splitResponse(row.response, row.request.method);
  assert.equal(received.status, sent.status);
  assert.equal(received.reason, sent.reason);
  const ours = route.session === undefined ? [] : ['x-softprobe-outcome'];
  assert.deepEqual(endToEnd(received, ours), endToEnd(sent));
  assert.equal(received.body.compare(sent.body), 0, 'the response body changed');
  assert.equal(received.ending, 'complete');
  assert.deepEqual(received.trailers, sent.trailers);
  const outcome = route.session === undefined ? undefined : 'forward';
  assert.equal(field(received, 'x-softprobe-outcome'), outcome);
}

/** The fields that travel end to end, in order, without those named. */
export function endToEnd({ headers }: Pick<Head, 'headers'>, without: readonly string[] = []): string[] {
  const dropped = new Set([...HOP_BY_HOP, ...without]);
  return headers.filter((_, index) => {
    const name = headers[index - (index % 2)]?.toLowerCase() ?? '';
    return !dropped.has(name);
  });
}

/**
 * The proxy's client writes `host` first and `content-length` last, whatever their place was: they are
 * compared apart. Trace headers belong to sessions; our own headers stop at the egress listener.
 */
function requestHeaders(head: Head, route: Route): string[] {
  const apart = ['host', 'content-length'];
  const traced = route.session === undefined ? [] : ['traceparent', 'tracestate'];
  const ours = route.kind === 'egress' ? ['x-softprobe-session-id'] : [];
  return endToEnd(head, [...apart, ...traced, ...ours]);
}

/** No content-length and a length of 0 say the same of a request that has no body and is not chunked. */
function lengthOf(request: Request): string | undefined {
  if (request.framing === 'chunked') return undefined;
  return field(request, 'content-length') ?? '0';
}

function expectSessionHeaders(seen: Request, route: Route) {
  const sessionId = route.session?.id;
  if (route.kind === 'direct') return;
  if (sessionId === undefined) {
    assert.deepEqual(fields(seen, 'traceparent'), []);
    assert.deepEqual(fields(seen, 'tracestate'), []);
    return;
  }
  assert.match(fields(seen, 'traceparent').join(), TRACEPARENT);
  assert.deepEqual(fields(seen, 'tracestate'), [`x-softprobe-session-id=${sessionId}`]);
  const own = route.kind === 'egress' ? [] : [sessionId];
  assert.deepEqual(fields(seen, 'x-softprobe-session-id'), own);
}
