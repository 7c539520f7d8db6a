/**
 * The certificates of a PEM text (RFC 7468), each as a text of its own that ends in a newline. What stands between
 * them, private keys among it, is left out: trust files of systems are full of comments.
 */
export function pemCertificates(text: string): string[] {
  const blocks = text.matchAll(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g);
  return Array.from(blocks, ([block]) => `${block.replaceAll('\r', '')}\n`);
}
