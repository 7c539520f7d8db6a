/**
 * Whether a `traceparent` is valid, per W3C Trace Context level 1 and 2, section 3.2: version `ff`, all-zero ids,
 * upper case, wrong lengths and, in version 00, trailing data are invalid; a later version may append fields after
 * a dash. On the path of every request of a session: hence no regular expression.
 */
export function isValidTraceparent(value: string): boolean {
  if (value.length < 55) return false;
  if (value[2] !== '-' || value[35] !== '-' || value[52] !== '-') return false;
  if (!isLowerHex(value, 0, 2) || value.startsWith('ff')) return false;
  if (!isLowerHex(value, 3, 35) || isZero(value, 3, 35)) return false;
  if (!isLowerHex(value, 36, 52) || isZero(value, 36, 52)) return false;
  if (!isLowerHex(value, 53, 55)) return false;
  if (value.length === 55) return true;
  return !value.startsWith('00') && value[55] === '-';
}

function isLowerHex(value: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    const code = value.charCodeAt(i);
    const isDigit = code >= 0x30 && code <= 0x39;
    const isLetter = code >= 0x61 && code <= 0x66;
    if (!isDigit && !isLetter) return false;
  }
  return true;
}

function isZero(value: string, from: number, to: number): boolean {
  for (let i = from; i < to; i++) {
    if (value.charCodeAt(i) !== 0x30) return false;
  }
  return true;
}

/** The trace id of a valid `traceparent`. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** The span id of a valid `traceparent`: of the hop that sent it. */
export function spanIdOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}
