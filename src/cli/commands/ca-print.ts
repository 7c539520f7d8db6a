import type { Command } from '../command.ts';
import { authorityFlags } from '../start/tls-flags.ts';

export const caPrint: Command = {
  words: ['ca', 'print'],
  summary: 'Show the certificate authority: name, validity, fingerprint, path',
  flags: authorityFlags,
  examples: [['ca print', 'To compare with what a trust store shows']],
  async run(invocation) {
    const { X509Certificate } = await import('node:crypto');
    const { openCommandAuthority } = await import('../ca/authority.ts');
    const { table } = await import('../table.ts');
    const authority = await openCommandAuthority(invocation);
    const certificate = new X509Certificate(authority.certificate);
    const fields = {
      subject: certificate.subject.split('\n').join(', '),
      validFrom: new Date(certificate.validFrom).toISOString(),
      validTo: new Date(certificate.validTo).toISOString(),
      fingerprint256: certificate.fingerprint256,
      path: authority.certFile,
    };
    const text = table([
      ['subject', fields.subject],
      ['valid from', fields.validFrom],
      ['valid to', fields.validTo],
      ['SHA-256', fields.fingerprint256],
      ['path', fields.path],
    ]);
    return { text, fields };
  },
};
