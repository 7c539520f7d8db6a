/**
 * The certificate authority behind TLS interception: its key and certificate on disk, the short-lived certificates
 * (leaves) that it issues for hosts as they are asked for, and the trust stores that make clients accept them.
 *
 * No sockets, and nothing of ours is imported: `src/proxy` shows the leaves to clients, `src/cli` shows the
 * authority to people. The X.509 library is loaded when the first certificate is made, not when the proxy starts.
 */

export { Authority, type AuthorityOptions, openAuthority } from './authority.ts';
export { AuthorityError } from './authority-error.ts';
export { hasAuthority } from './authority-files.ts';
export { defaultAuthorityFolder } from './folder.ts';
export { LeafContexts } from './leaf-contexts.ts';
export type { Leaf } from './leaf-signer.ts';
export { pemCertificates } from './pem.ts';
export { pkcs12TrustStore } from './pkcs12.ts';
export { pemBundle, systemRoots } from './system-roots.ts';
export { type SystemTrust, systemTrust } from './system-trust.ts';
