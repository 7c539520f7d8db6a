import assert from 'node:assert/strict';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { describe, test } from 'node:test';
import { readRequestHead } from '../../src/proxy/request-head.ts';
import { keepUpgradeFields, wantsOtherProtocol } from '../../src/proxy/upgrade-request.ts';

const requestWith = (headers: IncomingHttpHeaders, httpVersionMinor = 1) =>
  ({ headers, httpVersionMinor }) as IncomingMessage;

describe('wantsOtherProtocol', () => {
  for (const upgrade of ['websocket', 'WebSocket', 'SPDY/3.1', 'tcp', 'h2c, websocket', 'tlsx', 'IRC/6.9']) {
    test(`${upgrade} is another protocol`, () => {
      assert.equal(wantsOtherProtocol(requestWith({ upgrade })), true);
      assert.equal(wantsOtherProtocol(requestWith({ upgrade, 'content-length': '0' })), true);
    });
  }

  for (const upgrade of ['h2c', 'H2C', 'h2', 'HTTP/2.0', 'TLS/1.0', 'TLS/1.2, h2c', '', ' , ']) {
    test(`${JSON.stringify(upgrade)} is HTTP again, or nothing`, () => {
      assert.equal(wantsOtherProtocol(requestWith({ upgrade })), false);
    });
  }

  test('not with a body, nor in HTTP/1.0', () => {
    const upgrade = 'websocket';
    assert.equal(wantsOtherProtocol(requestWith({ upgrade, 'content-length': '1' })), false);
    assert.equal(wantsOtherProtocol(requestWith({ upgrade, 'transfer-encoding': 'chunked' })), false);
    assert.equal(wantsOtherProtocol(requestWith({ upgrade }, 0)), false);
  });
});

describe('keepUpgradeFields', () => {
  function kept(raw: readonly string[]): string[] {
    const { fields } = readRequestHead(raw, 'outbound');
    keepUpgradeFields(fields, raw);
    return fields;
  }

  test('puts both fields back where they stood, as they were', () => {
    const raw = [
      'A',
      '1',
      'CONNECTION',
      'Upgrade',
      'a',
      '1',
      'upgrade',
      'x',
      'A',
      '1',
      'Upgrade',
      'y',
      'B',
      '',
    ];
    assert.deepEqual(kept(raw), raw);
  });

  test('leaves out what else is hop-by-hop, and ours', () => {
    const raw = [
      ...['Proxy-Connection', 'x', 'Upgrade', 'x', 'Keep-Alive', '1', 'x-softprobe-session-id', 'sess_1'],
      ...['Connection', 'Upgrade', 'Proxy-Authorization', 'Basic eA=='],
    ];
    assert.deepEqual(kept(raw), ['Upgrade', 'x', 'Connection', 'Upgrade']);
  });

  test('leaves out of Connection what names a field that is dropped, and the field where nothing is left', () => {
    const raw = [
      'Connection',
      'X-Mine, upgrade ,Keep-Alive',
      'X-Mine',
      '1',
      'connection',
      'x-mine',
      'Upgrade',
      'x',
    ];
    assert.deepEqual(kept(raw), ['Connection', 'upgrade, Keep-Alive', 'Upgrade', 'x']);
  });
});
