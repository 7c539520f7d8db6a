import { type ApiAnswer, objectIn } from '../control-api.ts';
import { table } from '../table.ts';

/** What the counters of a session are called for people. */
const names: readonly (readonly [field: string, name: string])[] = [
  ['injectedSpans', 'answered by rules'],
  ['extractedSpans', 'recorded'],
  ['forwardedOutbound', 'let out'],
  ['strictMisses', 'strict misses'],
  ['droppedSpans', 'not recorded for want of room'],
];

/** The counters of a session, one a line. */
export function statsText(stats: ApiAnswer): string {
  const rows = names.flatMap(([field, name]) => {
    const value = stats[field];
    return typeof value === 'number' ? [['', name, String(value)]] : [];
  });
  const tied = Object.entries(objectIn(stats, 'attribution') ?? {}).map(([by, count]) => `${by} ${count}`);
  if (tied.length > 0) rows.push(['', 'tied by', tied.join(', ')]);
  const miss = objectIn(stats, 'lastStrictMiss');
  if (miss !== undefined) rows.push(['', 'last strict miss', `${miss.method} ${miss.url}`]);
  return table(rows);
}
