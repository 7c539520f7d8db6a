import { plain, type Row, request } from './row.ts';

/** Request targets that must arrive as they were sent: a proxy that tidies a path changes its meaning. */
const targets: readonly [name: string, target: string][] = [
  ['the root', '/'],
  ['two slashes at the start', '//double//slashes//'],
  ['a path that looks like an authority', '//other.example/path'],
  ['an encoded slash', '/a%2Fb%2f/c'],
  ['dots', '/a/./b/../c/..'],
  ['dots at the root', '/../../etc/passwd'],
  ['encoded dots', '/%2e%2e/%2E/'],
  ['an escape that is none', '/100%/%zz/%'],
  ['encoded NUL and line ends', '/%00/%0d%0aX-Injected:%201'],
  ['a bare question mark', '/path?'],
  ['several question marks', '/path?a=b?c=d?'],
  ['an empty query part', '/path?&&a=&=b&'],
  ['repeated query names', '/path?a=1&a=2&a=1&A=3'],
  ['plus, percent and semicolon', '/path;v=1?a=1+2%2B3;b=%20'],
  ['a colon and an at sign', '/users:batch/@me:8080'],
  ['a URL inside the path', '/proxy/http://inner.example:80/x?y=http://z/'],
  ['characters that URLs should encode', '/path?q={"a":["b|c"]}&<tag>&`^`'],
  ['reserved characters', "/!$&'()*+,;=:@/-._~"],
  ['an object property', '/__proto__/constructor?__proto__=1'],
  ['8 KB of query', `/search?${'q=0123456789&'.repeat(630)}end`],
];

export const targetRows: readonly Row[] = targets.map(([name, target]) => ({
  name: `target: ${name}`,
  request: request('GET', target),
  response: plain('found'),
}));
