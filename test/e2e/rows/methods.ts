import { chunked, plain, type Row, request, response } from './row.ts';

const FORM = ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 7'];

/** Every registered method, methods that nobody registered, and the responses that have no body. */
export const methods: readonly Row[] = [
  ...[
    'GET',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'PROPFIND',
    'M-SEARCH',
    'REPORT',
    'PURGE',
    'FOO',
    'X-Custom!',
    'get',
  ].map(
    (method): Row => ({
      name: `${method} without a body`,
      request: request(method, '/thing?a=1'),
      response: plain(`${method} was answered`),
    }),
  ),
  ...['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'QUERY', 'PROPPATCH', 'FOO'].map(
    (method): Row => ({
      name: `${method} with a body`,
      request: request(method, '/thing', FORM, 'a=1&b=2'),
      response: plain(`${method} was answered`),
    }),
  ),
  {
    name: 'OPTIONS * (RFC 9112 section 3.2.4)',
    request: request('OPTIONS', '*'),
    response: response(['HTTP/1.1 204 No Content', 'Allow: GET, POST']),
  },
  {
    name: 'HEAD with the content-length of what GET would send',
    request: request('HEAD', '/thing'),
    response: response(['HTTP/1.1 200 OK', 'Content-Length: 12345', 'Content-Type: text/plain']),
  },
  {
    name: 'HEAD with transfer-encoding and no body',
    request: request('HEAD', '/thing'),
    response: response(['HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', 'ETag: "x"']),
  },
  {
    name: '204',
    request: request('DELETE', '/thing'),
    response: response(['HTTP/1.1 204 No Content', 'X-Deleted: 1']),
  },
  {
    name: '304 with a content-length',
    request: request('GET', '/thing', ['If-None-Match: "x"']),
    response: response(['HTTP/1.1 304 Not Modified', 'ETag: "x"', 'Content-Length: 12345']),
  },
  {
    name: '304 without a content-length',
    request: request('GET', '/thing', ['If-None-Match: "x"']),
    response: response(['HTTP/1.1 304 Not Modified', 'ETag: "x"']),
  },
  {
    name: '206 for a range',
    request: request('GET', '/file', ['Range: bytes=2-5']),
    response: response(
      [
        'HTTP/1.1 206 Partial Content',
        'Content-Range: bytes 2-5/10',
        'Content-Length: 4',
        'Accept-Ranges: bytes',
      ],
      'cdef',
    ),
  },
  {
    name: '416 for a range that is not there',
    request: request('GET', '/file', ['Range: bytes=20-']),
    response: response([
      'HTTP/1.1 416 Range Not Satisfiable',
      'Content-Range: bytes */10',
      'Content-Length: 0',
    ]),
  },
  {
    name: 'a redirect, which is not followed',
    request: request('GET', '/old'),
    response: response(['HTTP/1.1 302 Found', 'Location: /new?x=%2F', 'Content-Length: 0']),
  },
  ...[
    ['HTTP/1.1 418 I Am A Little Teapot; short & stout', 'a reason phrase of its own'],
    ['HTTP/1.1 200 ', 'an empty reason phrase'],
    [`HTTP/1.1 404 ${Buffer.from('Größe → 0').toString('latin1')}`, 'a reason phrase in UTF-8'],
    ['HTTP/1.1 299 Odd', 'a status that nobody registered'],
    ['HTTP/1.1 500 Internal Server Error', 'a server error'],
    ['HTTP/1.1 599 Very Odd', 'status 599'],
    ['HTTP/1.1 407 Proxy Authentication Required', 'a 407 of the origin'],
  ].map(
    ([line = '', name = '']): Row => ({
      name,
      request: request('GET', '/status'),
      response: response([line, 'Content-Length: 3', 'Content-Type: text/plain'], 'yes'),
    }),
  ),
  {
    name: 'a response that says HTTP/1.0 and ends by closing',
    request: request('GET', '/old-server'),
    response: response(['HTTP/1.0 200 OK', 'Content-Type: text/plain', 'Server: old'], 'until close'),
  },
  {
    name: 'a chunked 404',
    request: request('GET', '/none'),
    response: response(['HTTP/1.1 404 Not Found', 'Transfer-Encoding: chunked'], chunked(['no', 'pe'])),
  },
];
