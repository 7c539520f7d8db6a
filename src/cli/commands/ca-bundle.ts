import { handOver, outFlag } from '../ca/output.ts';
import type { Command } from '../command.ts';
import { authorityFlags } from '../start/tls-flags.ts';

export const caBundle: Command = {
  words: ['ca', 'bundle'],
  summary: "Write the system's roots and the authority in one PEM file",
  flags: { ...outFlag, ...authorityFlags },
  examples: [
    ['ca bundle --out bundle.pem', 'For settings that replace all roots: SSL_CERT_FILE, REQUESTS_CA_BUNDLE'],
  ],
  async run(invocation) {
    const { openCommandAuthority } = await import('../ca/authority.ts');
    const { pemBundle, pemCertificates } = await import('../../authority/index.ts');
    const bundle = pemBundle(await openCommandAuthority(invocation));
    return handOver(invocation, bundle, { certificates: pemCertificates(bundle).length });
  },
};
