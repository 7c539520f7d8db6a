/** Our member of a `baggage` list (CONTRACT section 2, step 3). */
const SESSION_KEY = 'x-softprobe-session-id';

/**
 * The session id in a `baggage` list (W3C Baggage section 3.2), percent-decoded; undefined where there is none,
 * or none that can be decoded.
 */
export function readBaggageSession(baggage: string): string | undefined {
  if (!baggage.includes(SESSION_KEY)) return undefined;
  for (const member of baggage.split(',')) {
    if (keyOf(member) !== SESSION_KEY) continue;
    const semicolon = member.indexOf(';');
    const value = member.slice(member.indexOf('=') + 1, semicolon < 0 ? undefined : semicolon).trim();
    try {
      return decodeURIComponent(value);
    } catch {
      // Broken percent-encoding names no session.
      return undefined;
    }
  }
  return undefined;
}

/** A `baggage` list without our member; '' where nothing else is in it. */
export function withoutBaggageSession(baggage: string): string {
  if (!baggage.includes(SESSION_KEY)) return baggage;
  return baggage
    .split(',')
    .filter((member) => keyOf(member) !== SESSION_KEY)
    .join(',')
    .trim();
}

function keyOf(member: string): string {
  const equals = member.indexOf('=');
  return equals < 0 ? '' : member.slice(0, equals).trim();
}
