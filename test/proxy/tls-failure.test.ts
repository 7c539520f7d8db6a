import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeUpstreamFailure } from '../../src/proxy/errors.ts';

/** An error as Node makes them of OpenSSL's. */
function failed(code: string, message = code): Error {
  return Object.assign(new Error(message), { code });
}

// What needs a peer that cannot be had here; the rest is tried with real ones in `connector.test.ts`.
describe('a failure of TLS', () => {
  const cases: readonly [code: string, message: string, expected: string, told: RegExp][] = [
    ['UNSPECIFIED', 'EE certificate key too weak', 'upstream_certificate', /EE certificate key too weak/],
    ['CERT_REVOKED', 'certificate revoked', 'upstream_certificate', /certificate revoked/],
    ['INVALID_PURPOSE', 'unsupported certificate purpose', 'upstream_certificate', /purpose/],
    [
      'ERR_TLS_CERT_ALTNAME_FORMAT',
      'Invalid subject alternative name string',
      'upstream_certificate',
      /Invalid/,
    ],
    ['CERT_UNTRUSTED', 'certificate not trusted', 'upstream_certificate_untrusted', /--upstream-ca FILE/],
    ['CERT_HAS_EXPIRED', 'certificate has expired', 'upstream_certificate_expired', /has expired/],
    ['HOSTNAME_MISMATCH', 'hostname mismatch', 'upstream_certificate_wrong_host', /expected api\.test/],
    [
      'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
      'error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:rec_layer_s3.c:918:SSL alert number 48',
      'upstream_tls',
      /refused our client certificate.*\(unknown ca\).*--upstream-cert api\.test=/,
    ],
    [
      'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
      'error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate:rec_layer_s3.c:918:SSL alert number 42',
      'upstream_tls',
      /refused our client certificate.*\(bad certificate\)/,
    ],
    [
      'ERR_SSL_TLSV1_UNRECOGNIZED_NAME',
      'error:0A000458:SSL routines:ssl3_read_bytes:tlsv1 unrecognized name:rec_layer_s3.c:918:SSL alert number 112',
      'upstream_tls',
      /knows no host by the name of api\.test/,
    ],
    [
      'EPROTO',
      'write EPROTO 40C7:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:ssl3_record.c:354:',
      'upstream_tls',
      /does not speak TLS at this port/,
    ],
    ['ERR_SSL_DH_KEY_TOO_SMALL', 'dh key too small', 'upstream_tls', /dh key too small/],
  ];
  for (const [code, message, expected, told] of cases) {
    test(`${code} is ${expected}`, () => {
      const cause = failed(code, message);
      const error = describeUpstreamFailure(cause, 'api.test:8443');
      assert.equal(error.code, expected);
      assert.match(error.message, told);
      assert.equal(error.status, 502);
      assert.equal(error.type, expected.replace('upstream_', '').replaceAll('_', '-'));
      assert.equal(error.cause, cause);
    });
  }

  test('is told by the address where there is no name', () => {
    const error = describeUpstreamFailure(failed('CERT_UNTRUSTED'), '[::1]:8443');
    assert.match(error.message, /--insecure-upstream ::1$/);
  });

  test('is told apart from a connection that is reset when TLS stood', () => {
    assert.equal(describeUpstreamFailure(failed('ECONNRESET'), 'api.test:443').code, 'upstream_reset');
  });
});
