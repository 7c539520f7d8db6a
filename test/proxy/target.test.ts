import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProxyError } from '../../src/proxy/errors.ts';
import { readRequestHead } from '../../src/proxy/request-head.ts';
import { parseOriginUrl, TargetResolver } from '../../src/proxy/target.ts';

function resolve(resolver: TargetResolver, requestTarget: string, ...headers: string[]) {
  const head = readRequestHead(headers, 'outbound');
  const { origin, host, pathAndQuery } = resolver.resolve(requestTarget, head, 'GET');
  return { to: origin.url, host, path: pathAndQuery };
}

describe('a target on egress', () => {
  const egress = new TargetResolver({ fixed: undefined, followsAbsoluteForm: true });

  it('is the authority of an absolute-form request, whatever Host says', () => {
    assert.deepEqual(resolve(egress, 'http://API.example:81/a//b/../%2F?q=1', 'Host', 'other'), {
      to: 'http://api.example:81',
      host: 'API.example:81',
      path: '/a//b/../%2F?q=1',
    });
  });

  it('is the Host of an origin-form request', () => {
    assert.deepEqual(resolve(egress, '/x', 'Host', 'a.example'), {
      to: 'http://a.example:80',
      host: 'a.example',
      path: '/x',
    });
  });

  const forms: [url: string, to: string, path: string][] = [
    ['http://a', 'http://a:80', '/'],
    ['http://a?x=1', 'http://a:80', '/?x=1'],
    ['HTTP://a/', 'http://a:80', '/'],
    ['https://a/', 'https://a:443', '/'],
    ['http://user:secret@a/x', 'http://a:80', '/x'],
    ['http://[::1]:8080/x', 'http://[::1]:8080', '/x'],
    ['http://xn--mnchen-3ya.example/x', 'http://xn--mnchen-3ya.example:80', '/x'],
  ];
  for (const [url, to, path] of forms) {
    it(`takes ${url}`, () => {
      const target = resolve(egress, url);
      assert.deepEqual({ to: target.to, path: target.path }, { to, path });
    });
  }

  const refused = [
    'ftp://a/',
    'a.example:80',
    'http://',
    'http:///x',
    'http://a:99999/',
    'http://a:0/',
    'http://a:b/',
    'http://[::1/',
    'http://a b/',
  ];
  for (const url of refused) {
    it(`refuses ${url}`, () => {
      assert.throws(() => resolve(egress, url), { name: 'ProxyError', status: 400 });
    });
  }

  it('refuses a Host that is no host, an empty one, and none', () => {
    for (const headers of [['Host', 'a/b'], ['Host', ''], []]) {
      assert.throws(() => resolve(egress, '/', ...headers), ProxyError);
    }
  });

  it('is the configured upstream for origin-form requests, under its own name where only the proxy was named', () => {
    const based = new TargetResolver({
      fixed: parseOriginUrl('upstream', 'http://api.example:9000'),
      followsAbsoluteForm: true,
    });
    based.addOwnUrl('http://127.0.0.1:8084');
    assert.deepEqual(resolve(based, '/x', 'Host', 'localhost:8084'), {
      to: 'http://api.example:9000',
      host: 'api.example:9000',
      path: '/x',
    });
    assert.deepEqual(resolve(based, '/x', 'Host', 'shop.example'), {
      to: 'http://api.example:9000',
      host: 'shop.example',
      path: '/x',
    });
    assert.equal(resolve(based, 'http://b/x').to, 'http://b:80');
  });
});

describe('a target on ingress', () => {
  const ingress = new TargetResolver({
    fixed: parseOriginUrl('appUrl', 'http://127.0.0.1:8081'),
    followsAbsoluteForm: false,
  });

  it('is always the app, under the Host that the client sent', () => {
    for (const target of ['/x', 'http://shop.example/x']) {
      assert.deepEqual(resolve(ingress, target, 'Host', 'shop.example'), {
        to: 'http://127.0.0.1:8081',
        host: 'shop.example',
        path: '/x',
      });
    }
    assert.equal(resolve(ingress, '/x').host, '127.0.0.1:8081');
    assert.equal(resolve(ingress, '*').path, '*');
  });
});

describe('the URL of an upstream', () => {
  for (const url of [
    '127.0.0.1:80',
    'ftp://a',
    'http://',
    'http://a/path',
    'http://u:p@a',
    'http://a:99999',
    '',
  ]) {
    it(`refuses ${JSON.stringify(url)}, naming the option`, () => {
      assert.throws(() => parseOriginUrl('upstream', url), /^TypeError: upstream: expected http/);
    });
  }
});
