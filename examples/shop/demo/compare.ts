import type { Received } from './http.ts';

/**
 * Fields that two answers of the same service may differ in: the shop's own clock, what concerns the connection
 * only, and what the proxy says about itself.
 */
const ignored = /^(date|connection|keep-alive|x-softprobe-.*)$/i;

/** How two answers differ, in words; undefined where they are the same byte for byte. */
export function difference(recorded: Received, replayed: Received): string | undefined {
  if (recorded.status !== replayed.status) return `status was ${recorded.status}, is ${replayed.status}`;
  const [before, after] = [recorded, replayed].map(({ rawHeaders }) => comparableHeaders(rawHeaders));
  if (before !== after) return `headers were\n${before}\nand are\n${after}`;
  if (!recorded.body.equals(replayed.body)) {
    return `body was ${recorded.body.length} bytes, is ${replayed.body.length} other bytes`;
  }
  return undefined;
}

function comparableHeaders(rawHeaders: readonly string[]): string {
  const lines: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!ignored.test(rawHeaders[at] ?? '')) lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`);
  }
  return lines.join('\n');
}
