/** OTLP times are nanoseconds since the Unix epoch in decimal digits; an exchange has milliseconds as a number. */

/** Milliseconds, with a fraction, to nanoseconds. Whole and fraction apart: their sum would not fit a double. */
export function nanosecondsOf(milliseconds: number): string {
  if (!Number.isFinite(milliseconds) || milliseconds <= 0) return '0';
  const whole = Math.floor(milliseconds);
  const fraction = Math.round((milliseconds - whole) * 1e6);
  return String(BigInt(whole) * 1_000_000n + BigInt(fraction));
}

/** Nanoseconds, as a decimal string or (from older writers) a number, to milliseconds; 0 for anything else. */
export function millisecondsOf(nanoseconds: unknown): number {
  if (typeof nanoseconds === 'number')
    return Number.isFinite(nanoseconds) && nanoseconds > 0 ? nanoseconds / 1e6 : 0;
  if (typeof nanoseconds !== 'string' || !/^\d{1,20}$/.test(nanoseconds)) return 0;
  const total = BigInt(nanoseconds);
  return Number(total / 1_000_000n) + Number(total % 1_000_000n) / 1e6;
}
