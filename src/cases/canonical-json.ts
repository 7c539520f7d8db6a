/**
 * A text that two JSON values share if and only if they are equal: members in code unit order, numbers by
 * value. It is no JSON of the value itself.
 *
 * @throws {RangeError} where the value nests deeper than the stack
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return { list: value.map(sorted) };
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  // Pairs, not an object: integer-like names would be put first again, and `__proto__` is no ordinary key.
  return { members: members.map(([name, member]) => [name, sorted(member)]) };
}
