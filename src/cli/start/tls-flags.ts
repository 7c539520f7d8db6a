import type { Flags } from '../flags.ts';

const authority = 'The certificate authority:';
const tls = 'HTTPS:';

/** Where the certificate authority is: for whatever opens it. */
export const authorityFlags = {
  'ca-dir': {
    type: 'string',
    requiresArg: true,
    group: authority,
    defaultDescription: 'SOFTPROBE_CA_DIR or your configuration folder',
    describe: 'Folder of the certificate authority; it is made there on first use',
  },
  'ca-cert': {
    type: 'string',
    requiresArg: true,
    group: authority,
    describe: 'Certificate of an authority of your own (PEM); needs --ca-key',
  },
  'ca-key': {
    type: 'string',
    requiresArg: true,
    group: authority,
    describe: 'Private key of an authority of your own (PEM); needs --ca-cert',
  },
} as const satisfies Flags;

/** TLS on both sides of the proxy: what it shows to clients, what it demands of upstreams. */
export const tlsFlags = {
  'no-intercept': {
    type: 'boolean',
    group: tls,
    describe: 'Tunnel all HTTPS untouched: neither recorded nor mocked',
  },
  'tls-passthrough': {
    type: 'string',
    array: true,
    requiresArg: true,
    group: tls,
    describe: 'Tunnel HTTPS to these hosts, and to names below them, untouched: HOST …',
  },
  'on-untrusted': {
    type: 'string',
    requiresArg: true,
    group: tls,
    defaultDescription: 'fail',
    describe: 'tunnel: once a client has refused our certificate for a host, that host passes untouched',
  },
  'upstream-ca': {
    type: 'string',
    array: true,
    requiresArg: true,
    group: tls,
    describe: "Trust these authorities of upstreams too, beside the system's: FILE.pem …",
  },
  'insecure-upstream': {
    type: 'string',
    array: true,
    requiresArg: true,
    group: tls,
    describe: 'Do not verify the certificates of these hosts, and of names below them: HOST …',
  },
  'upstream-cert': {
    type: 'string',
    array: true,
    requiresArg: true,
    group: tls,
    describe: 'Client certificates for hosts that ask for one: HOST=CERT.pem[,KEY.pem] …',
  },
  ...authorityFlags,
} as const satisfies Flags;
