/**
 * A serial number of 16 octets: unguessable, positive and without leading zero octets, as DER wants it (RFC 5280
 * section 4.1.2.2: positive, at most 20 octets).
 *
 * @param random 16 random octets
 * @returns hexadecimal
 */
export function randomSerialNumber(random: Uint8Array): string {
  const [first = 0, ...rest] = random;
  return Buffer.from([(first & 0x7f) | 0x40, ...rest]).toString('hex');
}
