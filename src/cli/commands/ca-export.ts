import { handOver, outFlag } from '../ca/output.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../failure.ts';
import { readChoice } from '../flag-value.ts';
import { flagValue } from '../flags.ts';
import { authorityFlags } from '../start/tls-flags.ts';

const formats = ['pem', 'p12'] as const;

export const caExport: Command = {
  words: ['ca', 'export'],
  summary: 'Write the certificate of the authority, for a trust store',
  flags: {
    format: {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'pem',
      describe: 'pem, or p12 for Java (PKCS #12, a trusted certificate in it)',
    },
    ...outFlag,
    password: {
      type: 'string',
      requiresArg: true,
      defaultDescription: 'changeit',
      describe: 'Of the p12 file; guards nothing, since certificates are public',
    },
    ...authorityFlags,
  },
  examples: [
    ['ca export --out softprobe-ca.pem', 'The certificate'],
    ['ca export --format p12 --out softprobe-ca.p12', 'A trust store for Java with this one certificate'],
  ],
  async run(invocation) {
    const { args } = invocation;
    const format = readChoice('--format', flagValue(args, 'format') ?? 'pem', formats);
    const password = flagValue(args, 'password');
    if (password !== undefined && format === 'pem') {
      throw new UsageError('--password: a PEM file has none; leave it out, or add --format p12');
    }
    if (password === '') throw new UsageError('--password: expected one character and more, got ""');
    const { openCommandAuthority } = await import('../ca/authority.ts');
    const { pkcs12TrustStore } = await import('../../authority/index.ts');
    const { certificate } = await openCommandAuthority(invocation);
    const content =
      format === 'pem' ? certificate : await pkcs12TrustStore([certificate], password ?? 'changeit');
    return handOver(invocation, content, { format });
  },
};
