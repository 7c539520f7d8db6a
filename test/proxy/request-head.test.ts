import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkRequestHead, readRequestHead } from '../../src/proxy/request-head.ts';
import { readResponseHead } from '../../src/proxy/response-head.ts';

const flat = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    });

describe('the head of a request', () => {
  it('keeps order, case and repeats of what travels on', () => {
    const fields = flat('Host: a\nX-One: 1\nx-ONE: 2\nAccept: */*\nX-Empty:');
    assert.deepEqual(readRequestHead(fields, 'outbound').fields, fields);
  });

  it('strips hop-by-hop fields in any case', () => {
    const { fields } = readRequestHead(
      flat(
        'Connection: keep-alive\nKEEP-ALIVE: 5\nProxy-Connection: x\nproxy-authorization: Basic x\nProxy-Authenticate: x\nUpgrade: h2c\nTE: gzip\nX: 1',
      ),
      'inbound',
    );
    assert.deepEqual(fields, ['X', '1']);
  });

  it('strips fields named by Connection, but none without which the message is another one', () => {
    const { fields } = readRequestHead(
      flat('Host: a\nX-Hop: 1\nConnection: close, x-HOP , host, content-length\nContent-Length: 3\nY: 2'),
      'inbound',
    );
    assert.deepEqual(fields, ['Host', 'a', 'Content-Length', '3', 'Y', '2']);
  });

  it('passes TE: trailers, since trailers are passed on', () => {
    assert.deepEqual(readRequestHead(flat('TE: trailers'), 'inbound').fields, ['TE', 'trailers']);
  });

  it('removes our own fields on egress and leaves them on ingress', () => {
    const fields = flat(
      'X-Softprobe-Session-Id: s\nx-softprobe-mode: m\nx-softprobe-case-id: c\nx-softprobe-test-name: t\nX-SOFTPROBE-anything: 1\nx-softprob: 1',
    );
    assert.deepEqual(readRequestHead(fields, 'outbound').fields, ['x-softprob', '1']);
    assert.deepEqual(readRequestHead(fields, 'inbound').fields, fields);
  });

  it('finds what correlation needs', () => {
    const head = readRequestHead(
      flat(
        'X-Session-Id: app\nsp_session_id: b\nX-SP-Session-Id: c\ntracestate: a=1\nTraceState: b=2\ntraceparent: t\nTRACEPARENT: u',
      ),
      'outbound',
    );
    assert.deepEqual(head.olderSessionIds, {
      'x-session-id': 'app',
      sp_session_id: 'b',
      'x-sp-session-id': 'c',
    });
    assert.equal(head.tracestate, 'a=1,b=2');
    assert.equal(head.traceparentCount, 2);
  });

  const checked = (text: string, minor = 1) =>
    checkRequestHead(readRequestHead(flat(text), 'inbound'), minor);

  it('needs exactly one Host, or none in HTTP/1.0', () => {
    checked('Host: a');
    checked('X: 1', 0);
    assert.throws(() => checked('X: 1'), /no Host field/);
    assert.throws(() => checked('Host: a\nhost: a'), /more than one Host/);
  });

  it('needs chunked as the last transfer coding', () => {
    checked('Host: a\nTransfer-Encoding: gzip, Chunked');
    checked('Host: a\nTransfer-Encoding: gzip\nTransfer-Encoding: chunked');
    for (const coding of ['gzip', 'xchunked', 'chunked, gzip', '']) {
      assert.throws(() => checked(`Host: a\nTransfer-Encoding: ${coding}`), /not chunked/);
    }
  });

  it('never invents, reorders or changes a field', () => {
    const name = fc.stringMatching(/^[A-Za-z-]{1,24}$/);
    const value = fc.stringMatching(/^[ -~]{0,20}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 20 }), (pairs) => {
        const raw = pairs.flat();
        for (const kept of [readRequestHead(raw, 'outbound').fields, readResponseHead(raw).fields]) {
          let from = 0;
          for (let i = 0; i < kept.length; i += 2) {
            while (from < raw.length && !(raw[from] === kept[i] && raw[from + 1] === kept[i + 1])) from += 2;
            assert.ok(from < raw.length, `${kept[i]} is not where it was`);
            from += 2;
          }
        }
      }),
    );
  });
});

describe('the head of a response', () => {
  it('strips hop-by-hop fields and those that Connection names, and keeps the rest as bytes', () => {
    const raw = flat(
      'Set-Cookie: a=1\nSet-Cookie: b=2\nConnection: Close, X-Hop\nX-Hop: 1\nTransfer-Encoding: chunked\nKeep-Alive: 5\nUpgrade: h2\nTrailer: X-T\nContent-Length: 5',
    ).map((text) => Buffer.from(text, 'latin1'));
    assert.deepEqual(readResponseHead(raw), {
      fields: ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Trailer', 'X-T', 'Content-Length', '5'],
      hasContentLength: true,
      hasTrailer: true,
    });
  });

  it('reads values as latin-1, one char a byte', () => {
    assert.deepEqual(readResponseHead([Buffer.from('X'), Buffer.from([0xe9, 0xff])]).fields, [
      'X',
      '\u00e9\u00ff',
    ]);
  });
});
