/**
 * Mockttp as its manual says to make an intercepting proxy of it, with all that costs it time and is not needed
 * switched off. JavaScript, since its package is there only after the first measurement and tsc would miss the types.
 * It listens on all addresses and cannot be told otherwise: an open proxy, for as long as the measurement runs.
 *
 * Argument: the file to write the PEM of its authority to. What it trusts upstream comes by NODE_EXTRA_CA_CERTS: by
 * its own option (`additionalTrustedCAs`) all root certificates become part of the key under which its agents keep
 * connections, which more than doubles what a request costs.
 */
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { generateCACertificate, getLocal } from 'mockttp';

const authority = await generateCACertificate();
const server = getLocal({
  https: authority,
  // The load speaks HTTP/1.1 only; nothing is left to negotiate.
  http2: false,
  // By default it keeps every exchange for ever.
  recordTraffic: false,
  suggestChanges: false,
  cors: false,
});
await server.forUnmatchedRequest().thenPassThrough();
await server.start();
writeFileSync(process.argv[2], authority.cert);
process.stdout.write(`http://127.0.0.1:${server.port}\n`);
