import type { Command } from '../command.ts';
import { authorityFlags } from '../start/tls-flags.ts';

export const caPath: Command = {
  words: ['ca', 'path'],
  summary: 'Print where the certificate is that clients are to trust; make it on first use',
  flags: authorityFlags,
  examples: [
    ['ca path', 'For a setting: NODE_EXTRA_CA_CERTS="$(softprobe-proxy ca path)"'],
    ['ca path --ca-dir ./ca', 'Of an authority for this project alone'],
  ],
  async run(invocation) {
    const { openCommandAuthority } = await import('../ca/authority.ts');
    const { certFile } = await openCommandAuthority(invocation);
    return { text: certFile, fields: { path: certFile } };
  },
};
