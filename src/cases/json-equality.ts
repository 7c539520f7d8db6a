/**
 * Equality of two JSON values: arrays in order, objects by their members in any order, numbers by value
 * (so `1`, `1.0` and `1e0` are one, and so are `0` and `-0`). Only own members count, `__proto__` is a name
 * like any other.
 */
export function jsonEquals(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    return Array.isArray(left) && Array.isArray(right) && arraysEqual(left, right);
  }
  return objectsEqual(left as Record<string, unknown>, right as Record<string, unknown>);
}

function arraysEqual(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((value, index) => jsonEquals(value, right[index]));
}

function objectsEqual(left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && jsonEquals(left[name], right[name]))
  );
}
