import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { plain } from './rows/row.ts';
import { field, type Response } from './support/http-message.ts';
import type { Program } from './support/program.ts';
import { RawClient } from './support/raw-client.ts';
import type { ScriptedOrigin } from './support/scripted-origin.ts';
import { useStage } from './support/stage.ts';

let origin: ScriptedOrigin;
let program: Program;
useStage((stage) => {
  ({ origin, program } = stage);
});

interface Refusal {
  readonly name: string;
  readonly status: number;
  /** `{egress}` stands for the scheme and authority that an absolute-form begins with. */
  readonly bytes: string;
}

const HOST = 'Host: {host}';

/** Requests that two servers could read differently, or that are none: neither may reach an origin. */
const malformed: readonly Refusal[] = [
  { name: 'a request line of one word', status: 400, bytes: 'NONSENSE\r\n\r\n' },
  { name: 'a request line with a word too many', status: 400, bytes: `GET /a b HTTP/1.1\r\n${HOST}\r\n\r\n` },
  { name: 'an HTTP version that is none', status: 400, bytes: `GET / HTTP/9.9x\r\n${HOST}\r\n\r\n` },
  { name: 'the HTTP/2 preface', status: 400, bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
  {
    name: 'a method with a character that is no token',
    status: 400,
    bytes: `GE(T / HTTP/1.1\r\n${HOST}\r\n\r\n`,
  },
  { name: 'no Host', status: 400, bytes: 'GET / HTTP/1.1\r\n\r\n' },
  { name: 'two Hosts', status: 400, bytes: `GET / HTTP/1.1\r\n${HOST}\r\nHost: other.example\r\n\r\n` },
  { name: 'a space before the colon', status: 400, bytes: `GET / HTTP/1.1\r\n${HOST}\r\nX-A : 1\r\n\r\n` },
  {
    name: 'a header line without a colon',
    status: 400,
    bytes: `GET / HTTP/1.1\r\n${HOST}\r\nnonsense\r\n\r\n`,
  },
  { name: 'a folded header line', status: 400, bytes: `GET / HTTP/1.1\r\n${HOST}\r\nX-A: 1\r\n 2\r\n\r\n` },
  { name: 'NUL in a header', status: 400, bytes: `GET / HTTP/1.1\r\n${HOST}\r\nX-A: a\0b\r\n\r\n` },
  { name: 'a bare CR in a header', status: 400, bytes: `GET / HTTP/1.1\r\n${HOST}\r\nX-A: a\rb: c\r\n\r\n` },
  {
    name: 'a length and a transfer coding (CL.TE)',
    status: 400,
    bytes: `POST / HTTP/1.1\r\n${HOST}\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX`,
  },
  {
    name: 'two different lengths',
    status: 400,
    bytes: `POST / HTTP/1.1\r\n${HOST}\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde`,
  },
  {
    name: 'a list of lengths',
    status: 400,
    bytes: `POST / HTTP/1.1\r\n${HOST}\r\nContent-Length: 3, 5\r\n\r\nabcde`,
  },
  {
    name: 'a length with a sign',
    status: 400,
    bytes: `POST / HTTP/1.1\r\n${HOST}\r\nContent-Length: +3\r\n\r\nabc`,
  },
  {
    name: 'a length in hex',
    status: 400,
    bytes: `POST / HTTP/1.1\r\n${HOST}\r\nContent-Length: 0x3\r\n\r\nabc`,
  },
  {
    name: 'a transfer coding that is not chunked',
    status: 400,
    bytes: `POST / HTTP/1.1\r\n${HOST}\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  },
  {
    name: 'chunked that is not the last coding',
    status: 400,
    bytes: `POST / HTTP/1.1\r\n${HOST}\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  },
  {
    name: '64 KiB of header',
    status: 431,
    bytes: `GET / HTTP/1.1\r\n${HOST}\r\nX-A: ${'a'.repeat(65_536)}\r\n\r\n`,
  },
  { name: '100 KB of query', status: 431, bytes: `GET /?${'q'.repeat(100_000)} HTTP/1.1\r\n${HOST}\r\n\r\n` },
];

/** Targets that the egress listener cannot forward to. */
const unreachable: readonly Refusal[] = [
  { name: 'a Host that is no host', status: 400, bytes: 'GET / HTTP/1.1\r\nHost: not a host!\r\n\r\n' },
  { name: 'an empty Host', status: 400, bytes: 'GET / HTTP/1.1\r\nHost:\r\n\r\n' },
  { name: 'a Host with a path', status: 400, bytes: 'GET / HTTP/1.1\r\nHost: a.example/path\r\n\r\n' },
  {
    name: 'a Host with user information',
    status: 400,
    bytes: 'GET / HTTP/1.1\r\nHost: u:p@a.example\r\n\r\n',
  },
  {
    name: 'a Host whose port is out of range',
    status: 400,
    bytes: 'GET / HTTP/1.1\r\nHost: a.example:99999\r\n\r\n',
  },
  { name: 'another scheme', status: 400, bytes: 'GET ftp://a.example/x HTTP/1.1\r\nHost: a.example\r\n\r\n' },
  { name: 'a file URL', status: 400, bytes: 'GET file:///etc/passwd HTTP/1.1\r\nHost: a.example\r\n\r\n' },
  {
    name: 'an absolute URL without a host',
    status: 400,
    bytes: 'GET http:///x HTTP/1.1\r\nHost: a.example\r\n\r\n',
  },
  {
    name: 'an absolute URL with a bad port',
    status: 400,
    bytes: 'GET http://a.example:0x50/ HTTP/1.1\r\nHost: a\r\n\r\n',
  },
  { name: 'an unclosed IPv6 literal', status: 400, bytes: 'GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n' },
  {
    name: 'CONNECT to port 99999',
    status: 400,
    bytes: 'CONNECT a.example:99999 HTTP/1.1\r\nHost: a.example\r\n\r\n',
  },
  {
    name: 'CONNECT without a port',
    status: 400,
    bytes: 'CONNECT a.example HTTP/1.1\r\nHost: a.example\r\n\r\n',
  },
  { name: 'CONNECT to a path', status: 400, bytes: 'CONNECT /path HTTP/1.1\r\nHost: a.example\r\n\r\n' },
];

describe('a request that is malformed reaches no origin', () => {
  for (const listener of ['ingress', 'egress'] as const) {
    for (const { name, status, bytes } of malformed) {
      test(`${listener}: ${name} is a ${status}`, () => expectRefused(listener, bytes, status));
    }
  }
});

test('ingress: a TLS ClientHello is a 400', async () => {
  await expectRefused('ingress', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400);
});

describe('a target that is none reaches no origin', () => {
  for (const { name, status, bytes } of unreachable) {
    test(`egress: ${name} is a ${status}`, () => expectRefused('egress', bytes, status));
  }
});

test('CONNECT is not for the ingress listener', async () => {
  const answer = await refusalOf('ingress', `CONNECT ${origin.authority} HTTP/1.1\r\n${HOST}\r\n\r\n`);
  assert.ok([400, 405, 501].includes(answer.status), answer.startLine);
});

async function expectRefused(listener: 'ingress' | 'egress', bytes: string, status: number) {
  const before = origin.seen.length;
  const answer = await refusalOf(listener, bytes);
  const text = answer.body.toString();
  assert.equal(answer.status, status, `${answer.startLine} ${text}`);
  assert.equal(field(answer, 'x-softprobe-outcome'), 'proxy-error');
  assert.equal(field(answer, 'content-type'), 'application/json');
  const { error } = JSON.parse(text) as { error: { code: unknown; message: unknown } };
  assert.match(String(error.code), /^[a-z_]+$/);
  assert.ok(String(error.message).length > 10, text);
  await expectServing(listener);
  assert.equal(origin.seen.length, before + 1, 'the refused request reached the origin');
}

async function refusalOf(listener: 'ingress' | 'egress', bytes: string): Promise<Response> {
  using client = await RawClient.connect(program[listener]);
  await client.write(bytes.replace('{host}', origin.authority));
  return await client.readResponse();
}

/** The listener still serves, and by then anything that was forwarded before has arrived. */
async function expectServing(listener: 'ingress' | 'egress') {
  origin.next(plain('fine'));
  using client = await RawClient.connect(program[listener]);
  await client.write(`GET / HTTP/1.1\r\nHost: ${origin.authority}\r\n\r\n`);
  assert.equal((await client.readResponse()).body.toString(), 'fine');
}
