import { plain, type Row, request, response } from './row.ts';

const OK = 'HTTP/1.1 200 OK';
const EMPTY = 'Content-Length: 0';

/** Header sections: order, case, repeats and odd values, each way. */
export const headers: readonly Row[] = [
  {
    name: 'header order, case and repeats are kept both ways',
    request: request('GET', '/', [
      'X-Zebra: 1',
      'x-apple: 2',
      'X-MiXeD-CaSe: 3',
      'x-zebra: 4',
      'Accept: text/html',
      'accept: application/json',
      'X-Apple: 5',
    ]),
    response: response([OK, 'X-B: 1', 'x-a: 2', 'X-b: 3', 'eTaG: "q"', 'X-A: 4', EMPTY, 'x-last: 5']),
  },
  {
    name: 'five Set-Cookie lines stay five lines',
    request: request('GET', '/', ['Cookie: a=1; b=2', 'Cookie: c=3']),
    response: response([
      OK,
      'Set-Cookie: a=1; Path=/; HttpOnly',
      'Set-Cookie: b=2; Expires=Wed, 21 Oct 2037 07:28:00 GMT',
      'set-cookie: c=3',
      'X-Between: yes',
      'Set-Cookie: d=4; Domain=example.com; Secure; SameSite=None',
      'Set-Cookie: a=1; Path=/again',
      EMPTY,
    ]),
  },
  {
    name: 'empty header values',
    request: request('GET', '/', ['X-Empty:', 'X-Blank:   ', 'Accept:']),
    response: response([OK, 'X-Empty:', 'X-Blank:  ', 'ETag:', EMPTY]),
  },
  {
    name: 'latin-1 header values',
    request: request('GET', '/', ['X-Name: J\xfcrgen \xa9 \xff']),
    response: response([
      OK,
      'X-Name: Caf\xe9 \xa3\xa5',
      'Content-Disposition: attachment; filename=\xe4.txt',
      EMPTY,
    ]),
  },
  {
    name: 'UTF-8 bytes in header values',
    request: request('GET', '/', [`X-Name: ${latin1('héllo → 世界')}`]),
    response: response([OK, `X-Name: ${latin1('😀 ok')}`, EMPTY]),
  },
  {
    name: 'tabs and runs of spaces inside values',
    request: request('GET', '/', ['X-Spaced: a  b\tc   d', 'X-Padded: \t v \t ']),
    response: response([OK, 'X-Spaced: a  b\tc', 'X-Padded: \t v \t ', EMPTY]),
  },
  {
    name: 'header names of odd token characters',
    request: request('GET', '/', ["!#$%&'*+-.^_`|~: odd", '0: zero', 'x_under_score: 1', 'X.Dot: 2']),
    response: response([OK, "!#$%&'*+-.^_`|~: odd", '7: seven', 'x_under_score: 1', EMPTY]),
  },
  {
    name: 'header names that are properties of every object',
    request: request('GET', '/', ['__proto__: a', 'constructor: b', 'hasOwnProperty: c', 'toString: d']),
    response: response([OK, '__proto__: a', 'constructor: b', 'hasOwnProperty: c', 'toString: d', EMPTY]),
  },
  {
    name: 'a Date is left as it is, and so is a Server',
    request: request('GET', '/'),
    response: response([
      OK,
      'Date: Tue, 01 Jan 1980 00:00:00 GMT',
      'Server: scripted/1.0',
      'Via: 1.0 old',
      EMPTY,
    ]),
  },
  {
    name: 'forwarding headers that came are neither dropped nor extended',
    request: request('GET', '/', [
      'Via: 1.1 first',
      'X-Forwarded-For: 192.0.2.1',
      'Forwarded: for=192.0.2.1;proto=https',
      'X-Request-Id: abc',
    ]),
    response: plain('seen'),
  },
  {
    name: 'long header values and many headers',
    request: request('GET', '/', [
      `X-Long: ${'l'.repeat(4000)}`,
      ...Array.from({ length: 60 }, (_, index) => `X-Many-${index}: ${index}`),
    ]),
    response: response([
      OK,
      `X-Long: ${'r'.repeat(4000)}`,
      ...Array.from({ length: 60 }, (_, index) => `X-Many: ${index}`),
      EMPTY,
    ]),
  },
  {
    name: 'credentials of the origin pass',
    request: request('GET', '/', ['Authorization: Basic dXNlcjpwYXNz', 'X-Api-Key: key']),
    response: response(['HTTP/1.1 401 Unauthorized', 'WWW-Authenticate: Basic realm="a, b"', EMPTY]),
  },
  {
    name: 'caching and content headers pass',
    request: request('GET', '/', [
      'Accept-Encoding: gzip, br;q=0.5',
      'Accept-Language: de, en;q=0.1',
      'DNT: 1',
    ]),
    response: response([
      OK,
      'Cache-Control: no-cache, no-store',
      'Vary: Accept-Encoding',
      'Vary: Origin',
      'Link: </style.css>; rel=preload; as=style',
      'Age: 7',
      EMPTY,
    ]),
  },
];

/** The UTF-8 bytes of a text, one char a byte. */
function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
