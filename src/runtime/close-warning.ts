import type { Session } from './session.ts';
import { likelyReason, type Uncorrelated } from './uncorrelated.ts';

/** How many requests the warnings of a close name, and how much of each. */
const MAX_NAMED = 5;
const MAX_NAME_LENGTH = 200;

/**
 * What the closer of a session should know: its test called the app, nothing that the app called was tied to it,
 * and outbound requests that no session claimed went by meanwhile. They may well be its own.
 *
 * @returns one warning for each likely reason; most often none
 */
export function closeWarnings({ hops, uncorrelatedBefore }: Session, uncorrelated: Uncorrelated): string[] {
  if (hops.inbound === 0 || hops.outbound > 0) return [];
  const namesByReason = new Map<string, Set<string>>();
  const named = new Set<string>();
  for (const request of uncorrelated.since(uncorrelatedBefore)) {
    const name = `${request.method} ${request.host}${request.path}`.slice(0, MAX_NAME_LENGTH);
    if (named.size === MAX_NAMED && !named.has(name)) continue;
    named.add(name);
    const reason = likelyReason(request);
    const names = namesByReason.get(reason);
    if (names === undefined) namesByReason.set(reason, new Set([name]));
    else names.add(name);
  }
  const wentBy = counted(uncorrelated.total - uncorrelatedBefore, 'outbound request');
  const saw = `the session saw ${counted(hops.inbound, 'inbound hop')} and no outbound one, while ${wentBy} of no session went by`;
  return Array.from(
    namesByReason,
    ([reason, names]) => `${saw}, such as ${[...names].join(', ')}; likely reason: ${reason}`,
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
