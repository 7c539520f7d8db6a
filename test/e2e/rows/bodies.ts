import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { chunked, plain, type Row, request, response } from './row.ts';

const OK = 'HTTP/1.1 200 OK';
const JSON_TYPE = 'Content-Type: application/json';
const TEXT = JSON.stringify({
  greeting: 'grüß dich',
  items: Array.from({ length: 50 }, (_, index) => index),
});
/** Every byte value: no text in any encoding. */
const BINARY = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

const codings: readonly [coding: string, bytes: Uint8Array][] = [
  ['gzip', gzipSync(TEXT)],
  ['x-gzip', gzipSync(TEXT)],
  ['deflate', deflateSync(TEXT)],
  ['br', brotliCompressSync(TEXT)],
  ['zstd', zstdCompressSync(TEXT)],
  ['gzip, br', brotliCompressSync(gzipSync(TEXT))],
];

/** Bodies: what they are made of, and how they are framed. */
export const bodies: readonly Row[] = [
  ...codings.map(
    ([coding, bytes]): Row => ({
      name: `a body in ${coding} passes as it came and is recorded decoded`,
      request: request('GET', '/coded', [`Accept-Encoding: ${coding}`]),
      response: response(
        [OK, JSON_TYPE, `Content-Encoding: ${coding}`, `Content-Length: ${bytes.length}`],
        bytes,
      ),
      recordedBody: { text: TEXT },
    }),
  ),
  {
    name: 'raw deflate, as some servers send it',
    request: request('GET', '/coded'),
    response: response(
      [OK, JSON_TYPE, 'Content-Encoding: deflate', 'Transfer-Encoding: chunked'],
      chunked([deflateRawSync(TEXT)]),
    ),
    recordedBody: { text: TEXT },
  },
  {
    name: 'gzip in chunks that cut it anywhere',
    request: request('GET', '/coded'),
    response: response(
      [OK, JSON_TYPE, 'Content-Encoding: gzip', 'Transfer-Encoding: chunked'],
      chunked([gzipSync(TEXT).subarray(0, 5), gzipSync(TEXT).subarray(5, 6), gzipSync(TEXT).subarray(6)]),
    ),
    recordedBody: { text: TEXT },
  },
  {
    name: 'a body that says gzip and is not',
    request: request('GET', '/lies'),
    response: response([OK, 'Content-Encoding: gzip', 'Content-Length: 9'], 'not zip\x80\xff'),
    recordedBody: { base64: Buffer.from('not zip\x80\xff', 'latin1').toString('base64') },
  },
  {
    name: 'gzip of nothing at all',
    request: request('GET', '/coded'),
    response: response([OK, JSON_TYPE, 'Content-Encoding: gzip', 'Content-Length: 0']),
  },
  {
    name: 'a coding that we do not know',
    request: request('GET', '/coded'),
    response: response([OK, 'Content-Encoding: x-secret', 'Content-Length: 4'], '\x00\x01\x02\xff'),
    recordedBody: { base64: 'AAEC/w==' },
  },
  {
    name: 'a compressed request body',
    request: request(
      'POST',
      '/upload',
      [JSON_TYPE, 'Content-Encoding: gzip', `Content-Length: ${gzipSync(TEXT).length}`],
      gzipSync(TEXT),
    ),
    response: plain('unpacked'),
    recordedRequestBody: { text: TEXT },
  },
  {
    name: 'binary both ways',
    request: request(
      'PUT',
      '/blob',
      ['Content-Type: application/octet-stream', 'Content-Length: 256'],
      BINARY,
    ),
    response: response([OK, 'Content-Type: image/png', 'Content-Length: 256'], BINARY),
    recordedRequestBody: { base64: BINARY.toString('base64') },
    recordedBody: { base64: BINARY.toString('base64') },
  },
  {
    name: 'invalid UTF-8 that says it is text',
    request: request(
      'POST',
      '/text',
      ['Content-Type: text/plain; charset=utf-8', 'Content-Length: 4'],
      'a\xff\xfeb',
    ),
    response: response(
      [OK, 'Content-Type: text/plain; charset=utf-8', 'Content-Length: 5'],
      '\xc3\x28 \xed\xa0',
    ),
    recordedRequestBody: { base64: Buffer.from('a\xff\xfeb', 'latin1').toString('base64') },
    recordedBody: { base64: Buffer.from('\xc3\x28 \xed\xa0', 'latin1').toString('base64') },
  },
  {
    name: 'text with a byte order mark, CR, LF and NUL',
    request: request(
      'POST',
      '/text',
      ['Content-Type: text/plain', 'Content-Length: 8'],
      '\xef\xbb\xbfa\r\nb\x00',
    ),
    response: response([OK, 'Content-Type: text/plain', 'Content-Length: 8'], '\xef\xbb\xbfa\r\n\x00\n'),
    recordedBody: { text: '\ufeffa\r\n\x00\n' },
  },
  {
    name: 'a body without a content type',
    request: request('POST', '/plain', ['Content-Length: 2'], 'hi'),
    response: response([OK, 'Content-Length: 5'], 'hello'),
  },
  {
    name: 'content-length: 0 both ways',
    request: request('POST', '/empty', ['Content-Length: 0']),
    response: response([OK, 'Content-Length: 0']),
  },
  {
    name: 'an empty chunked body both ways',
    request: request('POST', '/empty', ['Transfer-Encoding: chunked'], chunked([])),
    response: response([OK, 'Transfer-Encoding: chunked'], chunked([])),
  },
  {
    name: 'POST without any body',
    request: request('POST', '/empty'),
    response: response([OK, 'Content-Length: 0']),
  },
  {
    name: 'chunked both ways, to single bytes',
    request: request('POST', '/chunks', ['Transfer-Encoding: chunked'], chunked(['a', 'bc', 'd'])),
    response: response([OK, 'Transfer-Encoding: chunked'], chunked(['1', '2', '345', '6'])),
  },
  {
    name: 'chunk extensions and leading zeros',
    request: request('POST', '/chunks', ['Transfer-Encoding: chunked'], '0003;a=b\r\nabc\r\n0;last\r\n\r\n'),
    response: response([OK, 'Transfer-Encoding: chunked'], '004;x="y"\r\nwxyz\r\n000\r\n\r\n'),
  },
  {
    name: 'trailers of a response',
    request: request('GET', '/trailers', ['TE: trailers']),
    response: response(
      [OK, 'Transfer-Encoding: chunked', 'Trailer: X-Checksum, Server-Timing'],
      chunked(['body'], ['X-Checksum: abc', 'Server-Timing: total;dur=1', 'x-checksum: again']),
    ),
  },
  {
    name: 'trailers of a request',
    request: request(
      'POST',
      '/trailers',
      ['X-Sender: J\xfcrgen', 'Transfer-Encoding: chunked', 'Trailer: X-Checksum'],
      chunked(['some', 'body'], ['X-Checksum: abc', 'X-More: J\xfcrgen']),
    ),
    response: plain('checked'),
  },
  {
    name: 'bodies larger than what is recorded',
    request: request('POST', '/large', [`Content-Length: ${3 << 20}`], Buffer.alloc(3 << 20, 'up')),
    response: response(
      [OK, 'Content-Type: text/plain', `Content-Length: ${3 << 20}`],
      Buffer.alloc(3 << 20, 'down'),
    ),
    recordedRequestBody: { text: 'up'.repeat((1 << 20) / 2) },
    recordedBody: { text: 'down'.repeat((1 << 20) / 4) },
    notReplayable: 'the recording is cut at 1 MiB',
  },
];
