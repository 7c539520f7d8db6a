import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitUrl, urlWithoutUserinfo } from '../../src/cases/url.ts';

test('splits a URL into what was written, without resolving or decoding anything', () => {
  assert.deepEqual(splitUrl('http://H.example:80/a/../%2f//b?c?d#e'), {
    scheme: 'http',
    host: 'H.example:80',
    path: '/a/../%2f//b',
    query: 'c?d',
  });
  assert.deepEqual(splitUrl('https://[::1]:8443'), {
    scheme: 'https',
    host: '[::1]:8443',
    path: '/',
    query: undefined,
  });
  assert.deepEqual(splitUrl('http://h?q'), { scheme: 'http', host: 'h', path: '/', query: 'q' });
  assert.equal(splitUrl('/a'), undefined);
  assert.equal(splitUrl('ftp://h/a'), undefined);
});

test('takes user name and password out of the authority, and nothing else', () => {
  assert.equal(urlWithoutUserinfo('http://me:p@ss@h:1/a@b?c@d'), 'http://h:1/a@b?c@d');
  assert.equal(urlWithoutUserinfo('http://h/a@b'), 'http://h/a@b');
  assert.equal(urlWithoutUserinfo('http://u@h'), 'http://h');
  assert.equal(urlWithoutUserinfo('/a@b'), '/a@b');
});
