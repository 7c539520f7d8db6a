import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseAuthority } from '../../src/cases/index.ts';
import { isInternalHost } from '../../src/runtime/internal-host.ts';

const internal = [
  'localhost',
  'LOCALHOST:80',
  'app.localhost',
  'redis',
  'redis:6379',
  'db-1',
  'metadata.google.internal',
  'printer.local',
  'orders.default.svc',
  'orders.default.svc.cluster.local',
  'orders.default.svc.cluster.local.',
  '127.0.0.1',
  '127.9.9.9:1',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '[::1]',
  '[::1]:8080',
  '[::]',
  '[fd00::1]',
  '[fc00::]',
  '[fe80::1]',
  '[fe80::1%25eth0]',
  '[::ffff:10.0.0.1]',
  '[::ffff:127.0.0.1]:80',
];
const external = [
  'example.com',
  'internal.example.com',
  'svc.example.com',
  'mylocal.com',
  'x.internal.com',
  'x.locals',
  '8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '192.169.0.1',
  '11.0.0.1',
  '[2001:db8::1]',
  '[::ffff:8.8.8.8]',
  '134744072',
  '0x08080808',
  '8.8',
  '010.0.0.1',
  '',
  'localhost.example.com',
];

describe('isInternalHost', () => {
  for (const host of internal) {
    it(`knows ${host} as the site's own`, () =>
      assert.equal(isInternalHost(parseAuthority(host).name), true));
  }
  for (const host of external) {
    it(`knows ${host || 'the empty host'} as external`, () =>
      assert.equal(isInternalHost(parseAuthority(host).name), false));
  }
});
